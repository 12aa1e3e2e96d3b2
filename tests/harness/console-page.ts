import axe from "axe-core";
import type { Browser, Page } from "playwright-core";

export type Theme = "light" | "dark";

/** The console in a browser, of a host on loopback. */
export interface ConsolePage {
  readonly page: Page;
  /** Errors of the page, violations of its policy, and requests to other hosts. */
  readonly faults: readonly string[];
  /** Opens a screen, as a link to it would. */
  open(path: string): Promise<void>;
  /** Waits for a text that can be seen. */
  seen(text: string | RegExp): Promise<void>;
  /** The rules of axe-core that the page breaks. */
  accessFaults(colorScheme: Theme): Promise<unknown[]>;
}

export async function openConsolePage(browser: Browser, origin: string): Promise<ConsolePage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("request", (request) => {
    const { host, protocol } = new URL(request.url());
    if (host !== new URL(origin).host && protocol !== "data:" && protocol !== "blob:") {
      faults.push(`request to ${request.url()}`);
    }
  });
  return {
    page,
    faults,
    async open(path) {
      const to = `${origin}/-/console/${path}`;
      if (!page.url().startsWith(origin)) await page.goto(to);
      else {
        await page.evaluate(
          `history.pushState(null, "", ${JSON.stringify(to)}); dispatchEvent(new PopStateEvent("popstate"))`,
        );
      }
    },
    async seen(text) {
      await page.getByText(text).filter({ visible: true }).first().waitFor();
    },
    async accessFaults(colorScheme) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(axe.source);
      return await page.evaluate(async () => {
        const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
        return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => [id, html]));
      });
    },
  };
}
