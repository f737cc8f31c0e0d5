#include "dawk/directory_sqlite/schema.hpp"

#include <array>

#include "dawk/directory_sqlite/database.hpp"

namespace dawk::directory_sqlite {
namespace {

constexpr std::int64_t application_id = 0x4461776B;  // "Dawk"

// steps[n] leads from version n to n + 1. A released step is never changed.
constexpr std::array<char const*, Database::schema_version> steps = {
    R"(CREATE TABLE domain(
           name TEXT NOT NULL PRIMARY KEY
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE user(
           domain   TEXT NOT NULL REFERENCES domain(name),
           local    TEXT NOT NULL,
           password TEXT NOT NULL,
           disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
           PRIMARY KEY (domain, local)
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE alias(
           domain TEXT NOT NULL REFERENCES domain(name),
           local  TEXT NOT NULL,
           PRIMARY KEY (domain, local)
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE target(
           domain        TEXT NOT NULL,
           local         TEXT NOT NULL,
           position      INTEGER NOT NULL,
           target_local  TEXT NOT NULL,
           target_domain TEXT NOT NULL,
           PRIMARY KEY (domain, local, position),
           FOREIGN KEY (domain, local) REFERENCES alias(domain, local) ON DELETE CASCADE
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE secret(
           name  TEXT NOT NULL PRIMARY KEY,
           value BLOB NOT NULL
       ) STRICT, WITHOUT ROWID;
       INSERT INTO secret(name, value) VALUES ('decoy', randomblob(32));
       PRAGMA user_version = 1;)",
};

}  // namespace

Result<void> migrate(Connection& connection) {
    return sqlite::migrate(connection, {application_id, steps});
}

}  // namespace dawk::directory_sqlite
