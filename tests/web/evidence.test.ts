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

describe("the reader's evidence", () => {
  const cells = given.prefill?.cells ?? {};

  it("stands in place of the machine's, also when it is empty", () => {
    const own = new EvidenceMap(given.report, abdomen, cells, {
      "liver|focal": { evidence: [[14, 19]] },
      "spleen|normal": { evidence: [] },
      "stomach|focal": { comment: "hm" },
    });
    expect(own.of(FOCAL)).toEqual([[14, 19]]);
    expect(own.cellsAt(32, 46)).toEqual([]);
    expect([FOCAL, cellOf("spleen|normal"), cellOf("stomach|focal")].map((index) => own.hasOwn(index))).toEqual([true, true, false]);
    expect(own.machineOf(cellOf("spleen|normal"))).toEqual([[32, 46]]);
  });

  it("tells the machine's pieces from the reader's", () => {
    const own = new EvidenceMap(given.report, abdomen, cells, { "liver|focal": { evidence: [[10, 31], [32, 38]] } });
    expect(own.quotes(FOCAL).map(({ words, by }) => [words, by])).toEqual([
      ["The liver has a cyst.", "machine"],
      ["Spleen", "you"],
    ]);
  });
});

describe("words and cells that have nothing to do with each other", () => {
  it("are found both ways", () => {
    const part = new EvidenceMap(given.report, abdomen, { "liver|focal": { evidence: [[24, 30]] } });
    expect(part.unusedSentences()).toEqual([1, 2]);
    expect(evidence.unusedSentences()).toEqual([]);
    const values = [..."." .repeat(abdomen.size)];
    values[FOCAL] = "+";
    values[cellOf("stomach|focal")] = "0";
    values[cellOf("stomach|device")] = "!";
    expect(evidence.unsupportedCells(values.join(""))).toEqual([cellOf("stomach|focal")]);
  });

  it("are not looked for in history and technique", () => {
    const sections = [{ kind: "history" as const, start: 0, end: 47, title: null }, ...given.report.sections.slice(1)];
    expect(new EvidenceMap({ ...given.report, sections }, abdomen, {}).unusedSentences()).toEqual([2]);
  });
});

describe("cited images", () => {
  const text = "🫀 A cyst (series 3, image 45). A node, image 7.";
  const report = { text, sha256: "", sections: [], sentences: [[2, 30] as const, [31, 47] as const] };
  const cited = new EvidenceMap(report, abdomen, { "liver|focal": { evidence: [[2, 8]] }, "spleen|focal": { evidence: [[20, 30]] } });

  it("are found by cell through the sentence, in code points", () => {
    expect(cited.mentions.map(({ start, end }) => cited.text.slice(start, end))).toEqual(["series 3, image 45", "image 7"]);
    expect(cited.mentionsOf([FOCAL])).toEqual([0]);
    expect(cited.mentionsOf([cellOf("stomach|focal")])).toEqual([]);
  });

  it("are pieces of their own, cut again where evidence ends inside them", () => {
    const pieces = cited.blocks(47).flatMap(({ segments }) => segments);
    const ofFirst = pieces.filter(({ mention }) => mention === 0).map(({ start, end }) => cited.text.slice(start, end));
    expect(ofFirst).toEqual(["series 3, ", "image 45"]);
    expect(pieces.map(({ start, end }) => cited.text.slice(start, end)).join("")).toBe(text);
  });
});
