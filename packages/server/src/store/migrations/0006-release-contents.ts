import { sha256 } from "@flotilla/oci/hash";
import { type Kysely, sql } from "kysely";

interface Row {
  readonly project: string;
  readonly app: string;
  readonly number: number;
  readonly digest: string;
  readonly document: string;
  readonly compose: string;
  readonly sbom_digest: string;
  readonly verdict_digest: string;
}

/** What of the registry each release needs, so that the registry keeps it. Filled for the releases that are there. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("release_contents")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("app", "text", (column) => column.notNull())
    .addColumn("number", "integer", (column) => column.notNull())
    .addPrimaryKeyConstraint("release_contents_key", ["project", "repository", "digest", "app", "number"])
    .execute();
  await database.schema
    .createIndex("release_contents_release")
    .on("release_contents")
    .columns(["project", "app", "number"])
    .execute();
  const { rows } = await sql<Row>`SELECT * FROM releases`.execute(database);
  for (const row of rows)
    for (const [repository, digest] of contentsOf(row))
      await sql`INSERT INTO release_contents (project, repository, digest, app, number)
        VALUES (${row.project}, ${repository}, ${digest}, ${row.app}, ${row.number}) ON CONFLICT DO NOTHING`.execute(
        database,
      );
}

interface Images {
  readonly images: Readonly<
    Record<
      string,
      {
        readonly repository: string;
        readonly digest: string;
        readonly platforms: readonly {
          readonly manifest: string;
          readonly config: string;
          readonly layers: readonly { readonly digest: string }[];
        }[];
      }
    >
  >;
}

/** The columns hold the bytes of the document and of the application. Blobs of SBOM and verdict are kept by their manifests. */
function contentsOf(row: Row): readonly (readonly [repository: string, digest: string])[] {
  const own = `${row.project}/${row.app}`;
  const encode = (text: string) => sha256(new TextEncoder().encode(text));
  const { images } = JSON.parse(row.document) as Images;
  const { configs } = JSON.parse(row.compose) as { readonly configs: Readonly<Record<string, { digest?: string }>> };
  const files = Object.values(configs).flatMap(({ digest }) => digest ?? []);
  const artifact = [
    row.digest,
    encode(row.document),
    encode(row.compose),
    ...files,
    row.sbom_digest,
    row.verdict_digest,
  ];
  const named = Object.values(images).flatMap(({ repository, digest, platforms }) => [
    [repository, digest] as const,
    ...platforms.flatMap(({ manifest, config, layers }) =>
      [manifest, config, ...layers.map((layer) => layer.digest)].map((each) => [repository, each] as const),
    ),
  ]);
  return [...artifact.map((digest) => [own, digest] as const), ...named];
}
