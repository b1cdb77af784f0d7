import { type Database, type OpenDatabaseOptions, openDatabase } from "@holdfast/storage";
import type { Schema } from "./schema.ts";

/** A search that finds little reads the whole catalogue: more of them at once would only slow each other down. */
const BROWSE_CONNECTIONS = 3;

/**
 * The connections of lists, searches and watches: orders' calls never queue behind those. Disposing closes them.
 */
export function openBrowseDatabase(
  options: Omit<OpenDatabaseOptions, "maxConnections" | "applicationName">,
): Database<Schema> {
  return openDatabase<Schema>({
    ...options,
    maxConnections: BROWSE_CONNECTIONS,
    applicationName: "product-browse",
  });
}
