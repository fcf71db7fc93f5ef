/** CocoaPods orders versions with `Gem::Version`, of which its own class is a child. */
export { compare, isValid } from "../rubygems/version.ts";
