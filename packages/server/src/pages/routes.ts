import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Type } from "typebox";
import type { App } from "../http/app.ts";
import { SESSION_COOKIE } from "../users/authenticate-session.ts";

const Html = Type.String({ description: "An HTML page" });
const tags = ["pages"];

interface Page {
  readonly path: string;
  readonly operationId: string;
  readonly title: string;
  /** Name of its `.html` and `.browser.js` in this folder. */
  readonly file: string;
}

const PAGES: readonly Page[] = [
  { path: "/", operationId: "showOverview", title: "Flotilla", file: "home" },
  { path: "/setup", operationId: "showSetup", title: "Welcome to Flotilla", file: "setup" },
  { path: "/sign-in", operationId: "showSignIn", title: "Sign in to Flotilla", file: "sign-in" },
];

/** The few pages of the server itself. They hold no data: their scripts ask the API as whoever is signed in. */
export function registerPages(app: App): void {
  for (const page of PAGES) {
    const { html, policy } = render(page);
    app.get(
      page.path,
      {
        config: { access: "public" },
        schema: { tags, operationId: page.operationId, summary: page.title, security: [], response: { 200: Html } },
      },
      async (request, reply) => {
        if (page.file === "home" && !hasSession(request.headers.cookie)) return reply.redirect("/sign-in");
        reply
          .header("content-security-policy", policy)
          .header("cache-control", "no-store")
          .header("x-frame-options", "DENY");
        return reply.type("text/html; charset=utf-8").send(html);
      },
    );
  }
}

/** A first visit goes straight to the sign-in page; whether a session is still good is for the API to say. */
function hasSession(cookie: string | undefined): boolean {
  return cookie?.includes(`${SESSION_COOKIE}=`) === true;
}

/** One document without anything to load; the policy allows exactly its own script and style (CSP level 3 §8.4). */
function render({ title, file }: Page): { readonly html: string; readonly policy: string } {
  const style = read("pages.css");
  const script = read(`${file}.browser.js`);
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
${read(`${file}.html`)}
<script type="module">${script}</script>
</body>
</html>
`;
  const policy = [
    "default-src 'none'",
    `script-src '${hashSource(script)}'`,
    `style-src '${hashSource(style)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return { html, policy };
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

function hashSource(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
