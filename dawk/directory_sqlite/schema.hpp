// The layout of the database and the steps from one version to the next. Private to this module.
#pragma once

#include "dawk/sqlite/sqlite.hpp"

namespace dawk::directory_sqlite {

using sqlite::Connection;
using sqlite::Query;
using sqlite::Transaction;

// Makes an empty file a directory database, or brings an older one up to date, in one transaction.
// corrupt: another program's database; unsupported: a later Dawk's.
Result<void> migrate(Connection& connection);

}  // namespace dawk::directory_sqlite
