export { type Generated, type Insertable, type Selectable, sql, type Transaction, type Updateable } from "kysely";
export { DatabaseError, type DatabaseErrorDetails, DatabaseErrorKind } from "./database-error.ts";
export {
  confirmClaim,
  type IdempotencyInPostgres,
  type IdempotencySchema,
  idempotencyInPostgres,
} from "./idempotency/idempotency-in-postgres.ts";
export { type MigrateOptions, migrate } from "./migrate.ts";
export { type ListenOptions, listen, type Notifications, type WaitOptions } from "./notifications.ts";
export { type Database, type OpenDatabaseOptions, openDatabase, type TransactionOptions } from "./open-database.ts";
export { provision, type ServiceDatabase } from "./provision.ts";
export type { Scope } from "./scope.ts";
export type { Subscription } from "./subscription.ts";
export { type WaitForDatabaseOptions, waitForDatabase } from "./wait-for-database.ts";
