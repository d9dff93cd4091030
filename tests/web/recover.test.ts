import { beforeEach, describe, expect, it } from "vitest";
import type { LocalCopy } from "../../static/src/read/autosave";
import { copyKey, keepCopy, readCopy, recoveryOf } from "../../static/src/read/recover";
import type { Draft, Labels } from "../../static/src/read/types";
import { labels, payload, urlsOf } from "./helpers";

const MINE = labels({ "liver|focal": "0" });
const COPY: LocalCopy = { version: 2, clientId: "me", labels: MINE, base: labels() };

function draft(content: Labels, version: number, clientId = "other"): Draft {
  return { ...content, version, client_id: clientId, active_seconds: 0, saved_at: "" };
}

beforeEach(() => sessionStorage.clear());

describe("the copy in the tab", () => {
  it("belongs to one user, one case and one round", () => {
    keepCopy(sessionStorage, copyKey("7", payload()), COPY);
    expect(readCopy(sessionStorage, copyKey("7", payload()), 99)).toEqual(COPY);
    expect(readCopy(sessionStorage, copyKey("8", payload()), 99)).toBeNull();
    expect(readCopy(sessionStorage, copyKey("7", payload({ urls: urlsOf(3) })), 99)).toBeNull();
    expect(readCopy(sessionStorage, copyKey("7", payload({ round: 2 })), 99)).toBeNull();
  });

  it("goes away when all is saved", () => {
    keepCopy(sessionStorage, "k", COPY);
    keepCopy(sessionStorage, "k", null);
    expect(sessionStorage.length).toBe(0);
  });

  it("is not used when it is damaged or of another schema", () => {
    sessionStorage.setItem("k", "{");
    expect(readCopy(sessionStorage, "k", 99)).toBeNull();
    keepCopy(sessionStorage, "k", COPY);
    expect(readCopy(sessionStorage, "k", 8)).toBeNull();
  });

  it("never holds the report", () => {
    keepCopy(sessionStorage, "k", COPY);
    expect(sessionStorage.getItem("k")).not.toContain("cyst");
  });
});

describe("what becomes of it", () => {
  it.each([
    ["nothing is there", null, payload(), "nothing"],
    ["the server has the same", COPY, payload({ draft: draft(MINE, 3) }), "nothing"],
    ["the server still has the version it was based on", COPY, payload({ draft: draft(labels(), 2) }), "restore"],
    ["nothing was ever saved", COPY, payload(), "restore"],
    ["the server has our own earlier write", COPY, payload({ draft: draft(labels(), 3, "me") }), "restore"],
    ["somebody else saved since", COPY, payload({ draft: draft(labels(), 3) }), "conflict"],
  ] as const)("when %s", (_, copy, given, expected) => {
    expect(recoveryOf(copy, given)).toBe(expected);
  });
});
