"""Traps in long sentences of free prose, where several organs, sides and denials share one sentence."""

import pytest

from tests.labeling.core.test_rules_traps import expected_cells, positives

TRAPS = [
    (
        "Liver, gallbladder, spleen, pancreas and right kidney are normal, while the left kidney shows a 3 cm cyst.",
        "LK focal",
    ),
    (
        "Gallstones are present, but the gallbladder wall is not thickened and there is no pericholecystic fluid.",
        "GB focal",
    ),
    ("There is diffuse thickening of the stomach, small bowel and colon.", "stomach diffuse; SB diffuse; LB diffuse"),
    ("There is a small amount of fluid around the pancreas, which is otherwise normal.", ""),
    ("The spleen, which measured 14 cm previously, is now normal in size at 11 cm.", ""),
    ("While no hydronephrosis is present, there are bilateral nonobstructing calculi.", "RK focal; LK focal"),
    ("A few scattered sigmoid diverticula are noted without evidence of acute inflammation.", "LB diffuse"),
    ("In the right kidney, there are two cysts, and in the left kidney, a 5 mm stone.", "RK focal; LK focal"),
    ("The left kidney contains a stone and the right kidney is hydronephrotic.", "LK focal; RK diffuse"),
    ("Cystic lesion in the tail of the pancreas and a second in the uncinate process.", "pancreas focal"),
    ("The wall of the ascending colon is thickened, as is that of the cecum.", "LB diffuse"),
    ("There is wall thickening involving the distal stomach and proximal duodenum.", "stomach diffuse; SB diffuse"),
    (
        "The liver is shrunken with a nodular contour, and the spleen is enlarged, measuring 17 cm.",
        "liver atrophy; liver diffuse; spleen enlarged",
    ),
    (
        "Small hypodense lesions within the liver and spleen are too small to assess, and were present before.",
        "liver focal; spleen focal",
    ),
    (
        "The pancreas is diffusely enlarged and edematous with surrounding stranding.",
        "pancreas enlarged; pancreas diffuse",
    ),
    ("Prior cholecystectomy with expected mild prominence of the common bile duct.", "GB postsurgical; GB absent"),
    ("The previously seen 6 mm stone in the right kidney has passed.", ""),
    ("A stone previously seen in the left kidney is no longer identified; a right renal stone persists.", "RK focal"),
    (
        "There is no evidence of hydronephrosis in the right kidney; however, the left collecting system is dilated.",
        "LK diffuse",
    ),
    ("Hypodensity in the spleen could reflect an infarct or a small laceration.", "spleen focal"),
    ("Liver shows changes of cirrhosis but no hepatocellular carcinoma.", "liver diffuse"),
    ("The duodenum is dilated, and the jejunum is collapsed.", "SB diffuse"),
    ("The appendix measures 6 mm, is air-filled, and there is no surrounding stranding.", ""),
    ("The colon contains a moderate amount of stool but is not obstructed.", ""),
    ("The gallbladder is mildly distended but has no stones, and its wall is not thickened.", "GB enlarged"),
    ("Bilateral perinephric stranding is nonspecific; no hydronephrosis or stone.", ""),
    (
        "Right upper pole renal mass measures 4 cm and enhances; the left kidney, adrenals and ureters are normal.",
        "RK focal",
    ),
    ("Both the liver and the spleen contain innumerable tiny hypodense lesions.", "liver focal; spleen focal"),
    ("No bowel wall thickening or dilatation; the appendix is surgically absent.", "LB postsurgical"),
    ("A right nephrectomy has been performed.", "RK postsurgical; RK absent"),
    ("The gallbladder is not visualized and may be surgically absent.", "GB postsurgical; GB absent"),
    ("Solitary left kidney, with hypertrophy.", "LK enlarged"),
    ("The patient has a history of splenectomy, and the spleen is not seen.", "spleen postsurgical; spleen absent"),
    ("Multiple surgical clips are seen near the pancreas and stomach.", ""),
    ("Suspicious 2 cm lesion at the hepatic dome; metastasis cannot be excluded.", "liver focal"),
    ("Splenic size is increased compared to the prior study, now 16 cm.", "spleen enlarged"),
    ("The renal parenchyma is thinned bilaterally.", "RK atrophy; RK diffuse; LK atrophy; LK diffuse"),
    ("Stomach and duodenum are distended proximal to a transition point in the jejunum.", "SB diffuse; SB focal"),
    ("Rectal wall thickening and mesorectal stranding suggest proctitis.", "LB diffuse"),
    ("Terminal ileal thickening has improved; the colon is now normal.", "SB diffuse"),
    ("Pancreatic head mass encasing the SMA, with atrophy of the distal pancreas.", "pancreas focal; pancreas atrophy"),
    ("The left adrenal nodule and the right renal cyst are unchanged.", "RK focal"),
    ("Left renal artery aneurysm; both kidneys enhance normally.", ""),
    ("The liver edge is smooth, its density is homogeneous, and no nodule is found.", ""),
    (
        "Dilated intrahepatic ducts; the gallbladder is surgically absent and the pancreas is atrophic.",
        "liver diffuse; GB postsurgical; GB absent; pancreas atrophy",
    ),
    ("The mid and distal small bowel loops are dilated up to 4 cm; the colon is decompressed.", "SB diffuse"),
    ("A gastrostomy tube is in place within the stomach, which is decompressed.", ""),
    (
        "There is fatty sparing adjacent to the gallbladder in an otherwise steatotic liver.",
        "liver diffuse; liver focal",
    ),
    ("Left ureteral stent in good position with resolved hydronephrosis.", ""),
]


@pytest.mark.parametrize(("text", "expected"), TRAPS, ids=[text[:60] for text, _ in TRAPS])
def test_prose_gives_exactly_the_expected_abnormalities(text: str, expected: str) -> None:
    assert positives(text) == expected_cells(expected)
