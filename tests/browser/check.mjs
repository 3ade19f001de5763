// What the HTML report has to do, in Chromium. `node check.mjs FOLDER`, with the reports in the folder and TRACESPEC_CHROMIUM set;
// pictures are left in the folder.

import { conclude } from "./browser.mjs";

for (const part of ["pure", "usage", "trace", "hostile", "states", "access", "speed", "pictures"]) await (await import(`./${part}.mjs`)).default();
await conclude();
