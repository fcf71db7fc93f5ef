/** Names whose bodies hold no text of anybody: media, archives, compiled code. What else is binary shows by a NUL byte. */
const NOT_TEXT =
  /\.(?:png|jpe?g|gif|webp|avif|ico|bmp|tiff?|mp[34]|ogg|wav|webm|mov|woff2?|ttf|otf|eot|pdf|gz|tgz|bz2|xz|zst|zip|7z|rar|jar|war|whl|egg|deb|rpm|apk|so|a|o|ko|dll|exe|pyc|pyo|class|wasm|node|mo|bin|dat|db|sqlite|gresource|cache)$/i;

/** Hashes and machine-made lists: full of random text that is no secret. */
const LISTS =
  /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|\.package-lock\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|go\.sum|Cargo\.lock|poetry\.lock|uv\.lock|Pipfile\.lock|composer\.lock|Gemfile\.lock|RECORD|CHECKSUMS|SHA256SUMS)$|\.(?:md5sums|sha256|sha512|map|snap)$/;

/** What distributions ship as documentation. */
const DOCUMENTATION =
  /(?:^|\/)share\/(?:doc|man|info|gtk-doc|help)\/|^usr\/(?:local\/)?share\/(?:locale|zoneinfo|i18n|icons|fonts|mime)\//;

/** Where other people's code stands … */
const VENDORED =
  /(?:^|\/)(?:node_modules|site-packages|dist-packages|pkg\/mod|vendor|vendored|_vendor|third_party|gems|bower_components|lib\/(?:python[\d.]+|ruby|perl5?)|(?:local|lib)\/go[\d.-]*\/src)\/|^usr\/(?:local\/)?share\//;

/** … and, in it, what its authors test and explain it with: keys in there open nothing. */
const TESTS =
  /(?:^|\/)(?:tests?|testing|test[-_]?data|test[-_]?server|dummyserver|test[-_]?fixtures?|fixtures?|__tests__|specs?|examples?|samples?|demos?|docs?|benchmarks?|mocks?|__mocks__)\/|(?:_test\.go|\.(?:test|spec)\.[cm]?[jt]sx?|(?:^|\/)test_[^/]*\.py|_test\.py|\.md|\.rst|-info\/(?:METADATA|PKG-INFO))$/i;

/** Whether the name of the file at `path` may be that of a text. */
export function isTextName(path: string): boolean {
  return !NOT_TEXT.test(path);
}

/** Whether secrets are looked for in the file at `path`; what is left out is counted among the gaps. */
export function isScanned(path: string): boolean {
  if (!isTextName(path) || LISTS.test(path) || DOCUMENTATION.test(path)) return false;
  return !(VENDORED.test(path) && TESTS.test(path));
}
