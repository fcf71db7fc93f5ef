// Writes docs/report.schema.json out of the schema: `npm run schema -w @flotilla/guard`.
import { writeFileSync } from "node:fs";
import { formatReportSchema } from "@flotilla/guard/report/schema";

writeFileSync(new URL("../../../../docs/report.schema.json", import.meta.url), formatReportSchema());
