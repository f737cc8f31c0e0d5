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

Result<std::int64_t> value_of(Connection& connection, char const* pragma) {
    DAWK_TRY(auto query, connection.query(pragma));
    DAWK_TRY(bool const row, query.step());
    if (!row) return Errc::corrupt;
    return query.number(0);
}

Result<void> recognize(Connection& connection) {
    DAWK_TRY(auto const id, value_of(connection, "PRAGMA application_id"));
    if (id == application_id) return {};
    DAWK_TRY(auto const tables, value_of(connection, "SELECT count(*) FROM sqlite_schema"));
    if (id != 0 || tables != 0) return Errc::corrupt;
    return connection.run("PRAGMA application_id = 0x4461776B");
}

}  // namespace

Result<void> migrate(Connection& connection) {
    DAWK_TRY(auto const id, value_of(connection, "PRAGMA application_id"));
    DAWK_TRY(auto const now, value_of(connection, "PRAGMA user_version"));
    // The usual case asks for no lock.
    if (id == application_id && now == Database::schema_version) return {};
    // Outside of any transaction, and kept in the file.
    DAWK_TRY_VOID(connection.run("PRAGMA journal_mode = WAL"));
    DAWK_TRY(auto transaction, Transaction::begin(connection, Connection::Mode::write));
    DAWK_TRY_VOID(recognize(connection));
    DAWK_TRY(auto const version, value_of(connection, "PRAGMA user_version"));
    if (version > Database::schema_version) return Errc::unsupported;
    if (version < 0) return Errc::corrupt;
    for (auto step = version; step < Database::schema_version; ++step)
        DAWK_TRY_VOID(connection.run(steps[static_cast<std::size_t>(step)]));
    return transaction.commit();
}

}  // namespace dawk::directory_sqlite
