/** `engine.js`, which the page loads on first use. */

import { loadEngine } from "./models";

globalThis.gtzanEngine = { loadEngine };
