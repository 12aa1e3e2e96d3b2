import type { ClusterStatus } from "@leveros/protocol";
import { expect, it } from "vitest";
import { formatCluster } from "./format-cluster.ts";

const status: ClusterStatus = {
  cluster: "1f2e3d4c",
  host: "a",
  keyId: "k3y",
  revision: 12,
  database: { servers: ["db:5432/lever"], problem: null, revision: 12 },
  hosts: 3,
  hostsActive: 2,
};

it("a cluster is described in a few lines", () => {
  expect(formatCluster(status)).toBe(`cluster   1f2e3d4c
answers   a
hosts     3, 2 with a lease (lever hosts)
database  db:5432/lever
          takes changes
revision  12
key       k3y`);
});

it.each([
  [13, "revision  13, and 12 has arrived here"],
  [null, "revision  12, the last one that has arrived here"],
])("the revision %j of the database is shown beside that of the host", (revision, line) => {
  const database = { ...status.database, revision, problem: "Cannot read." };
  const text = formatCluster({ ...status, database });
  expect(text).toContain(`          Cannot read.\n${line}\n`);
});
