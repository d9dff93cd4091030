"""Traps that need more than one sentence: headings, topics, pronouns, sections, and what later sentences take back."""

import pytest

from tests.labeling.core.test_rules_traps import expected_cells, positives

TRAPS = [
    (
        "LIVER: Normal in size. 1.3 cm hypodensity in segment VII, unchanged. No biliary "
        "dilatation.\nGALLBLADDER: Unremarkable.\nSPLEEN: 14.2 cm. No focal lesion.\nPANCREAS: Mild atrophy. "
        "No ductal dilatation.\nADRENALS: 1.1 cm left nodule.\nKIDNEYS: No hydronephrosis. 2 mm stone on the "
        "right. Subcentimeter hypodensity on the left, too small to characterize.\nBOWEL: Normal caliber. "
        "Scattered diverticula.\n",
        "liver focal; spleen enlarged; pancreas atrophy; RK focal; LK focal; LB diffuse",
    ),
    (
        "Liver: There is a 2 cm cyst in the right lobe. Another is seen in the left lobe.\nSpleen: Normal.",
        "liver focal",
    ),
    (
        "The right kidney is normal. The left kidney shows mild hydronephrosis. A 4 mm stone is seen in its "
        "lower pole.",
        "LK diffuse; LK focal",
    ),
    ("The pancreas is normal. It shows no mass. The spleen is enlarged. It measures 15 cm.", "spleen enlarged"),
    ("The spleen is not enlarged. It contains several calcified granulomas.", "spleen focal"),
    (
        "Gallbladder is surgically absent. No fluid in the gallbladder fossa. The common bile duct is mildly "
        "dilated, 9 mm.",
        "GB postsurgical; GB absent",
    ),
    (
        "Kidneys: Normal in size. A simple cyst measuring 2 cm arises from the lower pole of the right kidney. "
        "A smaller cyst is present on the left.",
        "RK focal; LK focal",
    ),
    ("FINDINGS: 5 mm nonobstructing stone in the left kidney.\nIMPRESSION: Nephrolithiasis.", "LK focal"),
    ("FINDINGS: Simple cyst in the right kidney.\nIMPRESSION: 1. Renal cyst. 2. No acute abnormality.", "RK focal"),
    (
        "FINDINGS: Wall thickening of the sigmoid colon. Small bowel is normal.\nIMPRESSION: Bowel wall "
        "thickening, likely colitis.",
        "LB diffuse",
    ),
    (
        "Adrenals: Normal.\nKidneys: Normal. \nAorta: 3.5 cm aneurysm.\nLymph nodes: 1.5 cm node in the porta "
        "hepatis.\nPelvis: 4 cm left adnexal cyst.\nBones: Sclerotic lesion in L3.",
        "",
    ),
    (
        "The liver demonstrates a smooth contour. The portal vein is patent. There is a 2.4 cm lesion with "
        "peripheral nodular enhancement. Findings are compatible with hemangioma.",
        "liver focal",
    ),
    ("Lung bases: 4 mm nodule.\nLiver: Unremarkable.\nBones: No lesion. Old rib fracture.", ""),
    ("The uterus is enlarged with multiple fibroids. A 3 cm cyst is seen on the left.", ""),
    ("There is a 3 cm mass in the left adrenal gland. It abuts the left kidney. It has increased in size.", ""),
    ("The prostate is enlarged. It indents the bladder base.", ""),
    (
        "HISTORY: Known gallstones, prior appendectomy, hepatic cysts.\nFINDINGS: Gallbladder is normal.",
        "LB postsurgical",
    ),
    ("COMPARISON: CT of 2019 showing a liver cyst.\nFINDINGS: Liver is normal.", ""),
    ("TECHNIQUE: CT of the liver with dilated bowel protocol.\nFINDINGS: Spleen is normal.", ""),
    (
        "IMPRESSION:\n1. Acute appendicitis.\n2. Cholelithiasis.\n3. Right renal cyst.\n4. Left adnexal cyst, "
        "3 cm.\n5. Fatty liver.",
        "LB focal; LB diffuse; GB focal; RK focal; liver diffuse",
    ),
    (
        "1. No evidence of bowel obstruction.\n2. Hepatic steatosis.\n3. Stable splenomegaly.\n4. 5 mm "
        "pulmonary nodule.",
        "liver diffuse; spleen enlarged",
    ),
    (
        "HEPATOBILIARY: Diffuse steatosis. Gallbladder contains stones. Ducts are not dilated.\nGENITOURINARY: "
        "Left lower pole stone. No hydronephrosis.\nGASTROINTESTINAL: No obstruction. Diverticulosis coli.",
        "liver diffuse; GB focal; LK focal; LB diffuse",
    ),
    ("URINARY TRACT: Two calculi in the right kidney and one in the left. No hydronephrosis.", "RK focal; LK focal"),
    (
        "BOWEL/MESENTERY: Long segment wall thickening of the distal ileum. Mesenteric stranding. The colon is normal.",
        "SB diffuse",
    ),
    (
        "Bowel: Wall thickening of the cecum and ascending colon. Remainder of the colon is normal. No dilated loops.",
        "LB diffuse",
    ),
    ("Stomach: Decompressed. Duodenum: 2 cm diverticulum. Colon: Normal.", "SB focal"),
    ("LIVER\nNormal.\nSPLEEN\nEnlarged, 15 cm.\nPANCREAS\nNormal.\n", "spleen enlarged"),
    ("Liver - hepatomegaly. Spleen - normal. Kidneys - simple cyst left.", "liver enlarged; LK focal"),
    (
        "Multiple cysts are present in both kidneys, the largest in the left upper pole measuring 4 cm. The "
        "liver also contains a few cysts.",
        "RK focal; LK focal; liver focal",
    ),
    (
        "Liver metastases have decreased: segment 4 lesion now 1.2 cm, previously 2.0 cm. Splenic lesion is stable.",
        "liver focal; spleen focal",
    ),
    (
        "The known pancreatic head mass measures 3 cm. Upstream the duct is dilated to 8 mm and the gland is atrophic.",
        "pancreas focal; pancreas diffuse; pancreas atrophy",
    ),
    ("The stomach is mildly distended with food. There is a 3 cm mass along the greater curvature.", "stomach focal"),
    ("Bilateral kidneys are normal in size. No calculus. A tiny cyst is seen at mid pole of right kidney.", "RK focal"),
    (
        "The gallbladder has multiple stones. Wall thickness is normal. No pericholecystic fluid. There is no "
        "biliary dilatation.",
        "GB focal",
    ),
    (
        "The gallbladder is distended. Its wall measures 5 mm and is thickened. Stones are present in the neck.",
        "GB enlarged; GB diffuse; GB focal",
    ),
    (
        "The left kidney is surgically absent. The right kidney demonstrates compensatory hypertrophy. No "
        "recurrent mass in the left renal fossa.",
        "LK postsurgical; LK absent; RK enlarged",
    ),
    (
        "Status post left nephrectomy for renal cell carcinoma. No evidence of local recurrence. Right kidney "
        "contains a 1 cm angiomyolipoma.",
        "LK postsurgical; LK absent; RK focal",
    ),
    (
        "Status post partial colectomy for colon cancer. No evidence of recurrence at the anastomosis.",
        "LB postsurgical",
    ),
    (
        "Splenectomy. Cholecystectomy. Pancreas unremarkable.",
        "spleen postsurgical; spleen absent; GB postsurgical; GB absent",
    ),
    (
        "Liver transplant. Mild intrahepatic biliary dilatation. The native gallbladder is absent.",
        "liver postsurgical; liver diffuse; GB absent",
    ),
    ("Previously described 1 cm lesion in the spleen is no longer seen. Spleen is now normal.", ""),
    ("The hydronephrosis on the right has resolved. Residual 3 mm stone in the right lower pole.", "RK focal"),
    ("Interval resolution of the left hydronephrosis.", ""),
    ("There is a cyst in the right kidney measuring 2 cm and in the left kidney measuring 3 cm.", "RK focal; LK focal"),
    ("Simple cysts measuring 1.2 and 2.4 cm in the right and left kidneys, respectively.", "RK focal; LK focal"),
    (
        "Liver, gallbladder, spleen, pancreas: normal. Kidneys: cortical thinning on the right, normal on the left.",
        "RK atrophy; RK diffuse",
    ),
    ("The remaining solid organs are normal. The liver is steatotic.", "liver diffuse"),
    ("Upper abdominal organs are unremarkable, save for a small splenic cyst.", "spleen focal"),
    ("The spleen measures 12 cm. A 2 cm accessory spleen is noted.", ""),
    ("The liver measures 15 cm in craniocaudal span with a 19 mm cyst in segment 2.", "liver focal"),
    ("Spleen: 9.8 x 4.2 x 13.6 cm.", "spleen enlarged"),
    ("Liver: no mass. Spleen: no mass. Pancreas: 1.4 cm mass in the tail. Kidneys: no mass.", "pancreas focal"),
    ("No masses in the liver. Multiple small low-attenuation foci in the spleen, nonspecific.", "spleen focal"),
    ("CT: Liver normal. Pt has hx of splenectomy; spleen absent.", "spleen absent; spleen postsurgical"),
    (
        "Left kidney: Hydronephrosis, moderate. Stone at UPJ, 9 mm.\nRight kidney: Normal. Ureters: Normal.",
        "LK diffuse; LK focal",
    ),
    (
        "Scattered hypodensities in the liver and right kidney, too small to characterize. No suspicious "
        "lesion in the left kidney.",
        "liver focal; RK focal",
    ),
    (
        "There is dilatation of the stomach and proximal duodenum with a transition at the third portion of "
        "the duodenum.",
        "stomach enlarged; SB diffuse",
    ),
    (
        "Mild circumferential wall thickening of the gallbladder, likely secondary to hepatitis.",
        "GB diffuse; liver diffuse",
    ),
    ("Mildly prominent fluid-filled small bowel loops without a transition point.", ""),
    (
        "The left colon is collapsed. There is mild hepatic steatosis. Gallbladder is present without stones.",
        "liver diffuse",
    ),
]


@pytest.mark.parametrize(("text", "expected"), TRAPS, ids=[text[:60] for text, _ in TRAPS])
def test_context_gives_exactly_the_expected_abnormalities(text: str, expected: str) -> None:
    assert positives(text) == expected_cells(expected)
