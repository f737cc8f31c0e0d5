#include "dawk/sqlite/sqlite.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

namespace dawk::sqlite {
namespace {

// What a statement of ours may meet. A constraint is answered by the caller before it can be
// broken, so a broken one is damage.
Errc to_errc(int code) {
    switch (code & 0xFF) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_NOMEM:
            return Errc::unavailable;
        case SQLITE_FULL:
            return Errc::no_space;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
        case SQLITE_SCHEMA:
        case SQLITE_CONSTRAINT:
            return Errc::corrupt;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
            return Errc::denied;
        case SQLITE_TOOBIG:
            return Errc::too_long;
        default:
            return Errc::io_error;
    }
}

// SQLite makes each path absolute and looks at every folder above the file. Ours may lie below one
// that we may not enter any more: started by root in his home, we became somebody else. The process
// stays in its folder, so relative paths stay good as they are.
int keep_path(sqlite3_vfs* /*vfs*/, char const* path, int size, char* out) {
    std::string_view const text(path);
    if (size <= 0 || text.size() >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
    std::memcpy(out, path, text.size() + 1);
    return SQLITE_OK;
}

// SQLite's own way to files but for that; null when SQLite refuses it.
char const* file_layer() {
    static char const* const name = [] {
        static sqlite3_vfs layer = *sqlite3_vfs_find(nullptr);
        layer.zName = "dawk";
        layer.pNext = nullptr;
        layer.xFullPathname = keep_path;
        return sqlite3_vfs_register(&layer, 0) == SQLITE_OK ? layer.zName : nullptr;
    }();
    return name;
}

Errc of_errno(int error) {
    switch (error) {
        case ENOENT:
        case ENOTDIR:
            return Errc::not_found;
        case EACCES:
        case EPERM:
        case EROFS:
            return Errc::denied;
        case ENOSPC:
        case EDQUOT:
            return Errc::no_space;
        default:
            return Errc::io_error;
    }
}

constexpr int busy_timeout_ms = 5000;
constexpr int value_bytes_max = 1 << 20;

}  // namespace

Query::Query(Query&& other) noexcept
    : statement_(other.statement_), next_(other.next_), error_(other.error_) {
    other.statement_ = nullptr;
}

Query::~Query() {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

Query& Query::bind(std::string_view text) {
    int const code = sqlite3_bind_text64(statement_, next_++, text.data() ? text.data() : "",
                                         text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    if (code != SQLITE_OK) error_ = code;
    return *this;
}

Query& Query::bind(std::int64_t number) {
    int const code = sqlite3_bind_int64(statement_, next_++, number);
    if (code != SQLITE_OK) error_ = code;
    return *this;
}

Result<bool> Query::step() {
    if (error_ != SQLITE_OK) return to_errc(error_);
    int const code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return to_errc(code);
}

Result<void> Query::run() {
    for (;;) {
        DAWK_TRY(bool const row, step());
        if (!row) return {};
    }
}

std::string Query::text(int column) const {
    auto const* octets = static_cast<char const*>(sqlite3_column_blob(statement_, column));
    auto const size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return octets == nullptr ? std::string() : std::string(octets, size);
}

std::int64_t Query::number(int column) const {
    return sqlite3_column_int64(statement_, column);
}

Result<std::unique_ptr<Connection>> Connection::open(std::string const& path, Mode mode) {
    sqlite3* handle = nullptr;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    // Even readers of a database in WAL mode write its index.
    flags |= SQLITE_OPEN_READWRITE;
    int const code = sqlite3_open_v2(path.c_str(), &handle, flags, file_layer());
    std::unique_ptr<Connection> connection(new Connection(handle));
    if (code != SQLITE_OK) return to_errc(code);
    sqlite3_busy_timeout(handle, busy_timeout_ms);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, value_bytes_max);
    sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    DAWK_TRY_VOID(connection->run("PRAGMA foreign_keys = ON"));
    DAWK_TRY_VOID(connection->run("PRAGMA synchronous = FULL"));
    if (mode == Mode::read) DAWK_TRY_VOID(connection->run("PRAGMA query_only = ON"));
    return connection;
}

Connection::~Connection() {
    for (auto const& [sql, statement] : prepared_) sqlite3_finalize(statement);
    sqlite3_close_v2(handle_);
}

Result<Query> Connection::query(char const* sql) {
    auto const at = prepared_.find(sql);
    if (at != prepared_.end()) return Query(at->second);
    sqlite3_stmt* statement = nullptr;
    int const code =
        sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return to_errc(code == SQLITE_ERROR ? SQLITE_CORRUPT : code);
    prepared_.emplace(sql, statement);
    return Query(statement);
}

Result<void> Connection::run(char const* sql) {
    int const code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return to_errc(code == SQLITE_ERROR ? SQLITE_CORRUPT : code);
    return {};
}

int Connection::changes() const {
    return sqlite3_changes(handle_);
}

Result<Transaction> Transaction::begin(Connection& connection, Connection::Mode mode) {
    DAWK_TRY_VOID(connection.run(mode == Connection::Mode::write ? "BEGIN IMMEDIATE" : "BEGIN"));
    return Transaction(connection);
}

Result<void> Transaction::commit() {
    DAWK_TRY_VOID(connection_->run("COMMIT"));
    connection_ = nullptr;
    return {};
}

Transaction::~Transaction() {
    // A rollback after an error may find that SQLite rolled back by itself.
    if (connection_ != nullptr) static_cast<void>(connection_->run("ROLLBACK"));
}

// SQLite would make the file readable for everybody the umask allows.
Result<void> Connection::create_file(std::string const& path) {
    int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return of_errno(errno);
    ::close(fd);
    return {};
}

namespace {

Result<std::int64_t> value_of(Connection& connection, char const* pragma) {
    DAWK_TRY(auto query, connection.query(pragma));
    DAWK_TRY(bool const row, query.step());
    if (!row) return Errc::corrupt;
    return query.number(0);
}

Result<void> recognize(Connection& connection, std::int64_t application_id) {
    DAWK_TRY(auto const id, value_of(connection, "PRAGMA application_id"));
    if (id == application_id) return {};
    DAWK_TRY(auto const tables, value_of(connection, "SELECT count(*) FROM sqlite_schema"));
    if (id != 0 || tables != 0) return Errc::corrupt;
    auto const set = "PRAGMA application_id = " + std::to_string(application_id);
    return connection.run(set.c_str());
}

}  // namespace

Result<void> migrate(Connection& connection, Layout const& layout) {
    auto const newest = static_cast<std::int64_t>(layout.steps.size());
    DAWK_TRY(auto const id, value_of(connection, "PRAGMA application_id"));
    DAWK_TRY(auto const now, value_of(connection, "PRAGMA user_version"));
    // The usual case asks for no lock.
    if (id == layout.application_id && now == newest) return {};
    // Outside of any transaction, and kept in the file.
    DAWK_TRY_VOID(connection.run("PRAGMA journal_mode = WAL"));
    DAWK_TRY(auto transaction, Transaction::begin(connection, Connection::Mode::write));
    DAWK_TRY_VOID(recognize(connection, layout.application_id));
    DAWK_TRY(auto const version, value_of(connection, "PRAGMA user_version"));
    if (version > newest) return Errc::unsupported;
    if (version < 0) return Errc::corrupt;
    for (auto step = version; step < newest; ++step)
        DAWK_TRY_VOID(connection.run(layout.steps[static_cast<std::size_t>(step)]));
    return transaction.commit();
}

}  // namespace dawk::sqlite
