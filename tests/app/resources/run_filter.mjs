// Reads a codes bundle, a columns bundle and lists of conditions; writes the ids that each list keeps.
import { readFileSync } from "node:fs";
import { columnsOf, readColumns } from "../../../browser/map/columns.js";
import { maskOf } from "../../../browser/map/filter.js";
import { readPoints } from "../../../browser/map/points.js";

const [codes, columns, filters] = process.argv.slice(2);
const points = readPoints(new Uint8Array(readFileSync(codes)));
points.columns = readColumns(points, new Uint8Array(readFileSync(columns)));
const known = columnsOf(points);
const kept = JSON.parse(readFileSync(filters, "utf-8")).map((conditions) => {
  const mask = maskOf(known, conditions, points.count);
  return [...points.ids.filter((_, n) => mask === null || mask[n])];
});
process.stdout.write(JSON.stringify({ kept, names: [...known.keys()] }));
