/**
 * Makes the documentation as a site of plain files, with a search that works without a network: `npm run docs-site`, or
 * `npm run docs-site -- FOLDER`. Open its index.html, or serve the folder.
 */
import { resolve } from "node:path";
import { buildSite } from "./docs-site/build-site.ts";

const [folder = "dist/docs"] = process.argv.slice(2);
const pages = await buildSite(resolve(folder));
console.log(`${pages.length} pages in ${resolve(folder)}`);
