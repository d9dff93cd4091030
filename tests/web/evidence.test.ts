import { describe, expect, it } from "vitest";
import { EvidenceMap } from "../../static/src/read/evidence";
import { REPORT, abdomen, cellOf, payload } from "./helpers";

const given = payload();
const evidence = new EvidenceMap(given.report, abdomen, given.prefill?.cells ?? {});
const FOCAL = cellOf("liver|focal");

describe("evidence", () => {
  it("links cells to sentences and back", () => {
    expect(evidence.sentencesOf([FOCAL])).toEqual([0, 2]);
    expect(evidence.sentencesOf([FOCAL, cellOf("spleen|normal")])).toEqual([0, 1, 2]);
    expect(evidence.cellsAt(32, 46)).toEqual([cellOf("spleen|normal")]);
    expect(evidence.sentencesOf([cellOf("stomach|focal")])).toEqual([]);
  });

  it("cuts the report into pieces that hold every character of the sections' bodies once", () => {
    const blocks = evidence.blocks(REPORT.length);
    const bodies = blocks.map(({ segments }) => segments.map(({ start, end }) => REPORT.slice(start, end)).join(""));
    expect(bodies).toEqual([": The liver has a cyst. Spleen normal.\n", ": Hepatic cyst."]);
  });

  it("cuts where evidence begins inside a sentence", () => {
    const part = new EvidenceMap(given.report, abdomen, { "liver|focal": { evidence: [[24, 30]] } });
    const pieces = part.blocks(REPORT.length).flatMap(({ segments }) => segments);
    const inFirst = pieces.filter(({ sentence }) => sentence === 0).map(({ start, end }) => REPORT.slice(start, end));
    expect(inFirst).toEqual(["The liver has ", "a cyst", "."]);
  });

  it("shows text that no section covers", () => {
    const report = { ...given.report, sections: [{ kind: "findings" as const, start: 10, end: 47, title: null }] };
    const blocks = new EvidenceMap(report, abdomen, {}).blocks(REPORT.length);
    expect(blocks.map(({ section }) => [section.kind, section.start, section.end])).toEqual([
      ["other", 0, 10],
      ["findings", 10, 47],
      ["other", 47, 72],
    ]);
  });

  it("has nothing to show of an empty report", () => {
    const empty = { text: "", sha256: "", sections: [], sentences: [] };
    expect(new EvidenceMap(empty, abdomen, {}).blocks(0)).toEqual([]);
  });
});
