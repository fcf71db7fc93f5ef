/** Settings of the server, all optional on the command line; see `flotilla serve --help`. */
export interface Config {
  /** Folder of the database and the blobs. */
  readonly dataDir: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** How clients reach the server, without a trailing slash; decides links and what provisioning tokens carry. */
  readonly publicUrl: string;
}
