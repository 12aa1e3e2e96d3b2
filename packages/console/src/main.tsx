import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/parts.css";
import "./style/screens.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { startKeys } from "./frame/keys.ts";
import { startTheme } from "./frame/theme.ts";
import { startRouting } from "./route.ts";

startTheme();
startRouting();
startKeys();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
