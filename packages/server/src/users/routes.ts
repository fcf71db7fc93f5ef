import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { registerCodes } from "./code-routes.ts";
import { registerMe } from "./me-routes.ts";
import { registerMembers } from "./member-routes.ts";
import { registerOwnTokens } from "./own-token-routes.ts";
import { registerPassword } from "./password-route.ts";
import { createPasswords } from "./passwords.ts";
import { createGuessLimits, registerSignIn } from "./sign-in-routes.ts";
import { registerTokens } from "./token-routes.ts";

/** Everything about people and what proves who they are. */
export function registerUsers(app: App, context: Context): void {
  const guesses = createGuessLimits(context);
  const passwords = createPasswords();
  registerSignIn(app, context, { passwords, guesses });
  registerPassword(app, context, { passwords, guesses });
  registerCodes(app, context, guesses);
  registerMe(app, context);
  registerMembers(app, context);
  registerTokens(app, context);
  registerOwnTokens(app, context);
}
