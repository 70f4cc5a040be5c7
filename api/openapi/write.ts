// `npm run openapi`: writes api/openapi.json anew. A test fails when it is not what the code says.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../root.ts";
import { committedText } from "./committed.ts";

writeFileSync(join(projectRoot(), "api", "openapi.json"), committedText());
