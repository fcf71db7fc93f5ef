/** Bodies with these names are never programs; everything else of size is looked at for its first bytes. */
const NEVER_PROGRAMS =
  /\.(?:[achotxz]|gz|xz|bz2|zst|zip|tar|tgz|jar|deb|rpm|whl|json|ya?ml|toml|xml|html?|css|js|mjs|cjs|ts|tsx|map|md|txt|rst|py|pyc|pyi|rb|pl|pm|sh|go|rs|cpp|hpp|java|class|ko|dat|db|sqlite|png|jpe?g|gif|svg|ico|webp|woff2?|ttf|otf|pdf|mo|po|conf|cfg|ini|list|md5sums|log|csv|sum|lock|pem|crt|key|service|h5|npy|vim|cmake|bc|debug|mod|pom|sql|php|msg|in|pc|cc|tcl|lang|enc|target)$/i;
const NEVER_FOLDERS =
  /^usr\/share\/(?:doc|man|locale|zoneinfo|terminfo|i18n|info|icons|fonts|bash-completion|lintian|vim|X11)\//;

/** Whether a file of this name may be a program. */
export function mayBeProgram(path: string): boolean {
  return !NEVER_PROGRAMS.test(path) && !NEVER_FOLDERS.test(path);
}
