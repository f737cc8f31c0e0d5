// The little of SQLite that the adapters need: connections, prepared statements with bound
// parameters only, transactions, and the steps from one layout of a database to the next. Blocking;
// include it in sources of adapters alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "dawk/base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace dawk::sqlite {

// A statement in use; resets itself. Bind in order, then step until it says false.
class Query {
  public:
    Query(Query&& other) noexcept;
    Query& operator=(Query&&) = delete;
    ~Query();

    Query& bind(std::string_view text);
    Query& bind(std::int64_t number);
    Result<bool> step();  // true: a row is there
    Result<void> run();   // to the end
    std::string text(int column) const;
    std::int64_t number(int column) const;

  private:
    friend class Connection;
    explicit Query(sqlite3_stmt* statement) noexcept : statement_(statement) {}
    sqlite3_stmt* statement_;
    int next_ = 1;
    int error_ = 0;
};

// One thread at a time.
class Connection {
  public:
    enum class Mode { read, write };
    static Result<std::unique_ptr<Connection>> open(std::string const& path, Mode mode);
    // Makes the file, empty, for us alone, where it is not there.
    static Result<void> create_file(std::string const& path);
    ~Connection();
    Connection(Connection const&) = delete;
    Connection& operator=(Connection const&) = delete;

    Result<Query> query(char const* sql);  // a string literal: prepared once
    Result<void> run(char const* sql);
    int changes() const;  // rows touched by the last statement

  private:
    explicit Connection(sqlite3* handle) noexcept : handle_(handle) {}
    sqlite3* handle_;
    std::unordered_map<char const*, sqlite3_stmt*> prepared_;
};

// Rolls back unless committed.
class Transaction {
  public:
    static Result<Transaction> begin(Connection& connection, Connection::Mode mode);
    Transaction(Transaction&& other) noexcept : connection_(other.connection_) {
        other.connection_ = nullptr;
    }
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    Result<void> commit();

  private:
    explicit Transaction(Connection& connection) : connection_(&connection) {}
    Connection* connection_;
};

// Makes an empty file a database of this kind, or brings an older one up to date, in one
// transaction. steps[n] leads from version n to n + 1 and sets user_version; a released step is
// never changed. corrupt: another program's database; unsupported: a later Dawk's.
struct Layout {
    std::int64_t application_id;
    std::span<char const* const> steps;
};
Result<void> migrate(Connection& connection, Layout const& layout);

}  // namespace dawk::sqlite
