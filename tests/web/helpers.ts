import { SchemaTable } from "../../static/src/read/schema";
import type { CasePayload, Labels, SchemaData } from "../../static/src/read/types";

const TARGETS = [
  "spleen",
  "liver",
  "right kidney",
  "left kidney",
  "stomach",
  "pancreas",
  "gallbladder",
  "small bowel",
  "large bowel",
];
const FINDINGS = [
  "normal",
  "absent",
  "adjacent",
  "quality",
  "postsurgical",
  "anatomy",
  "device",
  "enlarged",
  "atrophy",
  "diffuse",
  "focal",
];

/** The shape of the abdominal CT preset. */
export const ABDOMEN: SchemaData = {
  name: "abdomen-ct",
  version: 1,
  hash: "0".repeat(64),
  title: "Abdominal CT",
  targets: TARGETS.map((name) => ({ name, title: name })),
  findings: FINDINGS.map((name) => ({
    name,
    short_name: name === "postsurgical" ? "postsurg." : name,
    definition: `what ${name} means`,
    urgency: true,
  })),
  cells: TARGETS.flatMap((target) => FINDINGS.map((finding) => `${target}|${finding}`)),
  urgency_levels: ["normal or chronic", "low", "medium", "high"],
  contradictions: [
    { finding: "absent", forbids: ["normal", "focal"], because: "an organ that is not there has no such finding" },
    { finding: "normal", forbids: ["focal"], because: "an organ with this finding is not normal" },
  ],
};

/** The shape of the lumbar spine preset: cells are missing and there is no urgency. */
export const SPINE: SchemaData = {
  name: "spine-mri",
  version: 1,
  hash: "1".repeat(64),
  title: "Lumbar spine MRI",
  targets: ["spine", "L3-L4", "L4-L5", "L5-S1"].map((name) => ({ name, title: name })),
  findings: [
    ["stenosis", "stenosis"],
    ["cancer", "cancer"],
    ["spondylolisthesis", "listhesis"],
    ["cauda equina compression", "cauda eq."],
    ["herniation", "herniation"],
  ].map(([name = "", short_name = ""]) => ({ name, short_name, definition: name, urgency: false })),
  cells: [
    "spine|stenosis",
    "L3-L4|stenosis",
    "L4-L5|stenosis",
    "L5-S1|stenosis",
    "spine|cancer",
    "spine|spondylolisthesis",
    "spine|cauda equina compression",
    "spine|herniation",
  ],
  urgency_levels: [],
  contradictions: [],
};

export const abdomen = new SchemaTable(ABDOMEN);
export const spine = new SchemaTable(SPINE);

export function cellOf(key: string, schema: SchemaTable = abdomen): number {
  const index = schema.indexOf(key);
  if (index === null) throw new Error(`no cell ${key}`);
  return index;
}

/** Labels that say `fill` everywhere but in `cells`; a second character is the urgency. */
export function labels(cells: Readonly<Record<string, string>> = {}, fill = ".", schema: SchemaTable = abdomen): Labels {
  const values = Array.from({ length: schema.size }, () => fill);
  const urgencies = Array.from({ length: schema.size }, () => "_");
  for (const [key, codes] of Object.entries(cells)) {
    values[cellOf(key, schema)] = codes.charAt(0);
    urgencies[cellOf(key, schema)] = codes.charAt(1) || "_";
  }
  return { values: values.join(""), urgencies: urgencies.join(""), body: { cells: {} } };
}

/** The addresses of a case. */
export function urlsOf(id: number): CasePayload["urls"] {
  return {
    draft: `/api/${id}/draft`,
    submit: `/api/${id}/submit`,
    skip: `/api/${id}/skip`,
    reopen: `/api/${id}/reopen`,
    notes: `/api/${id}/notes`,
    guidelines: "/api/guidelines",
    next: `/api/next?after=${id}`,
    page: `/cases/${id}/`,
    images: `/api/${id}/images`,
    labels: `/api/${id}/labels`,
    viewer: `/cases/${id}/viewer/`,
    jump: "/api/jump",
    summary: "/api/summary",
  };
}

export const REPORT = "FINDINGS: The liver has a cyst. Spleen normal.\nIMPRESSION: Hepatic cyst.";

/** A pre-filled case: liver focal present, supported by two sentences. */
export function payload(change: Partial<CasePayload> = {}): CasePayload {
  const machine = labels({ "liver|focal": "+1", "spleen|normal": "+" });
  return {
    case: { id: 1, key: "R0001", position: 1, total: 3, state: "new", done: 0 },
    report: {
      text: REPORT,
      sha256: "",
      sections: [
        { kind: "findings", start: 0, end: 47, title: [0, 8] },
        { kind: "impression", start: 47, end: 72, title: [47, 57] },
      ],
      sentences: [
        [10, 31],
        [32, 46],
        [59, 72],
      ],
    },
    round: 1,
    arm: "prefilled",
    prefill: {
      run: "11111111-1111-4111-8111-111111111111",
      labeler: "rules",
      name: "rules",
      values: machine.values,
      urgencies: machine.urgencies,
      cells: {
        "liver|focal": {
          evidence: [
            [10, 31],
            [59, 72],
          ],
          reason: "a cyst is measurable",
          probability: 0.93,
          flags: ["hedged"],
        },
        "spleen|normal": { evidence: [[32, 46]] },
      },
    },
    draft: null,
    reading: null,
    notes: [],
    excluded: null,
    guidelines: {},
    images: null,
    urls: urlsOf(1),
    ...change,
  };
}
