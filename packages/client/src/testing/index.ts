export { startLever, type TestedLever, type TestOptions } from "./start-lever.ts";
