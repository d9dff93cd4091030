"""Traps that radiologists really write: which abnormalities the rules see, and in which organ."""

import pytest

from labeling.core.rules import label_report
from labeling.core.schema_yaml import load_preset
from labeling.core.values import POSITIVE_VALUES

SCHEMA = load_preset("abdomen-ct")
JUDGED = frozenset({"enlarged", "atrophy", "diffuse", "focal", "postsurgical", "absent"})
SHORT = {"RK": "right kidney", "LK": "left kidney", "GB": "gallbladder", "SB": "small bowel", "LB": "large bowel"}

# Text, and every cell of the judged types that is present or possible in it.
TRAPS = [
    # --- negation and its end
    ("No focal hepatic lesion or biliary dilatation.", ""),
    ("The liver is without focal lesion.", ""),
    ("No hydronephrosis, but there is a 3 mm stone in the left kidney.", "LK focal"),
    ("No hydronephrosis; punctate right lower pole calculus.", "RK focal"),
    ("There is no evidence of gallstones, gallbladder wall thickening, or pericholecystic fluid.", ""),
    ("Neither kidney demonstrates hydronephrosis or calculi.", ""),
    ("The kidneys show neither stones nor hydronephrosis.", ""),
    ("No liver lesion and the spleen is enlarged.", "spleen enlarged"),
    ("The gallbladder is not distended and contains multiple stones.", "GB focal"),
    ("Cholelithiasis without evidence of acute cholecystitis.", "GB focal"),
    ("Diverticulosis without diverticulitis.", "LB diffuse"),
    ("Diverticula are present throughout the colon; no wall thickening to suggest diverticulitis.", "LB diffuse"),
    ("Hepatic steatosis with no focal lesion.", "liver diffuse"),
    ("Neither the liver nor the spleen is enlarged.", ""),
    ("Negative for appendicitis or bowel obstruction.", ""),
    ("The previously noted splenic infarct has resolved.", ""),
    ("Previously seen gallstones are no longer visualized.", ""),
    ("The liver lesion described on the prior examination is unchanged.", "liver focal"),
    ("No significant interval change in the size of the hepatic cysts.", "liver focal"),
    ("Not significantly changed 2.2 cm cyst in the upper pole of the left kidney.", "LK focal"),
    ("No change in the right renal cyst.", "RK focal"),
    ("Pancreatitis is unlikely.", ""),
    ("Free of gallstones.", ""),
    ("Absence of hydronephrosis.", ""),
    ("No stones are seen in the gallbladder, which is mildly distended.", "GB enlarged"),
    ("Stones are not identified in either kidney.", ""),
    ("The spleen is not enlarged but contains a 1 cm cyst.", "spleen focal"),
    ("Non-enhancing 2 cm cyst in segment VI.", "liver focal"),
    ("Non-obstructing 4 mm calculus in the lower pole of the right kidney.", "RK focal"),
    ("Nonobstructing bilateral renal calculi.", "RK focal; LK focal"),
    ("No suspicious lesion. Tiny cyst in the right hepatic lobe.", "liver focal"),
    ("There is no intra or extrahepatic biliary dilatation.", ""),
    ("The pancreatic duct is not dilated, and there is no pancreatic mass or atrophy.", ""),
    (
        "No stone, mass, or hydronephrosis is seen in the right kidney. The left kidney contains a 2 cm cyst.",
        "LK focal",
    ),
    ("Unremarkable gallbladder without stones or wall thickening.", ""),
    ("The spleen is unremarkable with no focal abnormality.", ""),
    ("No hydronephrosis or hydroureter, although a 2 mm stone is noted in the left kidney.", "LK focal"),
    ("No acute abnormality in the liver. Simple hepatic cyst.", "liver focal"),
    ("No gallstones, acute cholecystitis, or biliary dilatation.", ""),
    ("No bowel obstruction, acute appendicitis, or diverticulitis.", ""),
    ("No hydronephrosis, small left renal cyst.", "LK focal"),
    ("No evidence of pancreatic mass, small cyst, or ductal dilatation.", ""),
    # --- exceptions and contrast
    ("The kidneys are normal except for a 2 cm left renal cyst.", "LK focal"),
    ("Apart from a small haemangioma, the liver is normal.", "liver focal"),
    ("The liver is unremarkable other than mild steatosis.", "liver diffuse"),
    ("Solid organs are unremarkable other than splenomegaly.", "spleen enlarged"),
    ("No abnormality of the solid organs aside from a 1 cm cyst in the left lobe of the liver.", "liver focal"),
    ("With the exception of a solitary gallstone, the gallbladder is normal.", "GB focal"),
    ("The lesion in the right kidney represents a cyst rather than a solid mass.", "RK focal"),
    ("Findings favor colitis rather than diverticulitis.", "LB diffuse"),
    ("Other than a tiny cyst in the pancreatic tail, no abnormality is seen in the pancreas.", "pancreas focal"),
    ("All solid organs are normal.", ""),
    ("Otherwise unremarkable spleen containing a calcified granuloma.", "spleen focal"),
    # --- hedges
    ("Possible mild wall thickening of the gastric antrum.", "stomach diffuse"),
    ("A small stone in the gallbladder neck cannot be excluded.", "GB focal"),
    ("Questionable hypodensity in the pancreatic head.", "pancreas focal"),
    (
        "Subcentimeter hypodensities in the liver are too small to characterize but likely represent cysts.",
        "liver focal",
    ),
    ("Hypodense lesion in the spleen, suspicious for metastasis.", "spleen focal"),
    ("Mild prominence of the pancreatic duct.", "pancreas diffuse"),
    # --- history, advice and conditions
    ("HISTORY: Hepatic cyst.\nFINDINGS: The liver is normal.", ""),
    ("INDICATION: Rule out appendicitis.\nFINDINGS: Normal appendix.", ""),
    ("Recommend MRI to exclude a pancreatic mass.", ""),
    ("If there is clinical concern for cholecystitis, ultrasound is recommended.", ""),
    ("History of pancreatitis.", ""),
    ("Clinical history: s/p cholecystectomy.\nFindings: The liver is normal.", "GB postsurgical; GB absent"),
    ("History: Prior splenectomy.\nFindings: The spleen is normal in size.", ""),
    ("INDICATION: Evaluate for diverticulitis. FINDINGS: Sigmoid diverticulosis.", "LB diffuse"),
    # --- surgery and absence
    ("The gallbladder is surgically absent.", "GB postsurgical; GB absent"),
    ("Status post cholecystectomy.", "GB postsurgical; GB absent"),
    ("Surgical clips in the gallbladder fossa.", "GB postsurgical; GB absent"),
    ("The patient is status post right nephrectomy.", "RK postsurgical; RK absent"),
    ("Prior left partial nephrectomy.", "LK postsurgical"),
    ("Post splenectomy. Splenosis in the left upper quadrant.", "spleen postsurgical; spleen absent"),
    ("Absent left kidney.", "LK absent"),
    ("The left kidney is absent.", "LK absent"),
    ("The gallbladder has been removed.", "GB postsurgical; GB absent"),
    ("Prior right hemicolectomy with ileocolic anastomosis.", "LB postsurgical; SB postsurgical"),
    ("Roux-en-Y gastric bypass anatomy.", "stomach postsurgical; SB postsurgical"),
    ("Status post sleeve gastrectomy.", "stomach postsurgical"),
    ("Postsurgical changes of partial hepatectomy.", "liver postsurgical"),
    ("Changes of distal pancreatectomy and splenectomy.", "pancreas postsurgical; spleen postsurgical; spleen absent"),
    ("Status post appendectomy.", "LB postsurgical"),
    ("Left lower quadrant colostomy.", "LB postsurgical"),
    ("Surgical sutures along the greater curvature of the stomach.", "stomach postsurgical"),
    ("Right lower quadrant ileostomy.", "SB postsurgical"),
    ("Rectosigmoid anastomosis is intact without leak.", "LB postsurgical"),
    ("The spleen is surgically absent.", "spleen postsurgical; spleen absent"),
    ("Non-visualization of the gallbladder, likely prior cholecystectomy.", "GB postsurgical; GB absent"),
    ("Congenital absence of the right kidney.", "RK absent"),
    ("Gallbladder: Absent.", "GB absent"),
    ("Uterus is surgically absent.", ""),
    ("Status post hysterectomy.", ""),
    ("The patient has undergone Whipple procedure.", "pancreas postsurgical; SB postsurgical"),
    # --- other places
    ("A cyst in the left ovary.", ""),
    ("2 cm cyst arising from the left adnexa, near the sigmoid colon.", ""),
    ("Left adrenal nodule measuring 1.5 cm.", ""),
    ("Nodule at the right lung base.", ""),
    ("Portal vein thrombosis.", ""),
    ("Splenic artery aneurysm.", ""),
    ("Enlarged lymph nodes adjacent to the pancreas.", ""),
    ("Enlarged prostate.", ""),
    ("Prostate is enlarged. Bladder wall is thickened.", ""),
    ("Hepatic artery is patent. Hepatic veins are dilated.", ""),
    ("Calcification of the splenic artery.", ""),
    ("Renal artery stenosis.", ""),
    ("Ureteral calculus at the left UVJ with mild hydronephrosis.", "LK diffuse"),
    ("Mass in the mesentery.", ""),
    ("Small hiatal hernia.", ""),
    ("Fat-containing umbilical hernia.", ""),
    ("Uterine fibroids.", ""),
    ("Vertebral body hemangioma at L2.", ""),
    ("Bladder calculus.", ""),
    ("Bladder diverticulum.", ""),
    ("Thickening of the left adrenal gland.", ""),
    ("Atherosclerotic calcification of the aorta.", ""),
    ("A 5 cm mass abuts the spleen and displaces the left kidney.", ""),
    ("Mass in the splenic flexure of the colon.", "LB focal"),
    ("Thickening of the hepatic flexure.", "LB diffuse"),
    ("Degenerative changes of the lumbar spine. Small bone island in the right ilium.", ""),
    ("Ascites surrounding the liver and spleen.", ""),
    ("There is perihepatic fluid. Perinephric stranding.", ""),
    ("Soft tissue nodule in the abdominal wall.", ""),
    # --- sides
    ("Bilateral renal cysts.", "RK focal; LK focal"),
    ("Cysts in both kidneys.", "RK focal; LK focal"),
    ("Bilateral hydronephrosis, right greater than left.", "RK diffuse; LK diffuse"),
    ("Mild left and moderate right hydronephrosis.", "RK diffuse; LK diffuse"),
    ("Right kidney: 3 mm stone. Left kidney: Normal.", "RK focal"),
    ("Left renal cyst. Right adrenal nodule.", "LK focal"),
    ("KIDNEYS: 2.1 cm cyst in the left upper pole. No hydronephrosis.", "LK focal"),
    ("KIDNEYS AND URETERS: Punctate nonobstructing right renal calculus.", "RK focal"),
    ("Right hydronephrosis. The left kidney is atrophic.", "RK diffuse; LK atrophy"),
    ("Kidneys: symmetric. Right-sided hydronephrosis with hydroureter.", "RK diffuse"),
    ("The right kidney is normal. The left shows a 4 cm exophytic cyst.", "LK focal"),
    ("There are simple cysts in the kidneys bilaterally.", "RK focal; LK focal"),
    ("The left kidney is atrophic. Compensatory hypertrophy of the right kidney.", "LK atrophy; RK enlarged"),
    (
        "Cyst at the interpolar region of the right kidney measuring 1.2 cm and another at the left lower pole.",
        "RK focal; LK focal",
    ),
    ("Simple cyst in the left lobe of the liver and a stone in the right kidney.", "liver focal; RK focal"),
    ("Delayed nephrogram on the left.", "LK diffuse"),
    ("A 6 mm calculus is present in the left renal pelvis causing moderate hydronephrosis.", "LK focal; LK diffuse"),
    ("Small kidneys bilaterally.", "RK atrophy; LK atrophy"),
    ("Bilateral renal cortical scarring.", "RK focal; LK focal"),
    # --- size
    ("The spleen measures 14.5 cm.", "spleen enlarged"),
    ("Spleen measures 11 cm, within normal limits.", ""),
    ("The liver is mildly enlarged measuring 19 cm.", "liver enlarged"),
    ("Mild hepatosplenomegaly.", "liver enlarged; spleen enlarged"),
    ("Spleen: 13.8 cm in length.", "spleen enlarged"),
    ("The spleen is at the upper limits of normal in size.", ""),
    ("The liver is normal in size with an enlarging cyst.", "liver focal"),
    ("The cyst in the liver has enlarged.", "liver focal"),
    ("Large cyst in the left kidney.", "LK focal"),
    ("The pancreas is atrophic with fatty replacement.", "pancreas atrophy; pancreas diffuse"),
    ("Atrophic pancreas.", "pancreas atrophy"),
    ("Small liver cyst.", "liver focal"),
    ("Small spleen.", "spleen atrophy"),
    ("The liver is small with nodular contour.", "liver atrophy; liver diffuse"),
    ("Enlarged fatty liver.", "liver enlarged; liver diffuse"),
    ("The pancreatic head is bulky.", "pancreas enlarged"),
    ("The right kidney is small, measuring 7 cm.", "RK atrophy"),
    ("Distended gallbladder with layering sludge.", "GB enlarged; GB diffuse"),
    ("Markedly distended stomach.", "stomach enlarged"),
    # --- lists and groups of organs
    ("The liver, spleen, pancreas and kidneys are unremarkable.", ""),
    ("The spleen and pancreas are normal; the liver is cirrhotic.", "liver diffuse"),
    ("Cysts in the liver and left kidney.", "liver focal; LK focal"),
    ("Multiple hepatic and renal cysts bilaterally.", "liver focal; RK focal; LK focal"),
    ("Calcified granulomas in the liver and spleen.", "liver focal; spleen focal"),
    ("Hepatic and splenic granulomas.", "liver focal; spleen focal"),
    ("The liver and spleen are enlarged.", "liver enlarged; spleen enlarged"),
    ("Liver lesions, gallstones, and left renal cyst are stable.", "liver focal; GB focal; LK focal"),
]


def positives(text: str) -> set[str]:
    """Judged cells that are present or possible, as "target finding"."""
    labels = label_report(text, SCHEMA)
    return {
        f"{cell.target} {cell.finding}"
        for cell, label in labels.cells.items()
        if label.state in POSITIVE_VALUES and cell.finding in JUDGED
    }


def expected_cells(short: str) -> set[str]:
    """Cells written in short: "LK focal; liver diffuse"."""
    cells = set()
    for part in filter(None, short.split("; ")):
        target, finding = part.split(" ")
        cells.add(f"{SHORT.get(target, target)} {finding}")
    return cells


@pytest.mark.parametrize(("text", "expected"), TRAPS, ids=[text[:60] for text, _ in TRAPS])
def test_trap_gives_exactly_the_expected_abnormalities(text: str, expected: str) -> None:
    assert positives(text) == expected_cells(expected)
