// Contents from one spool to another, for the tools.
#pragma once

#include "dawk/spool/spool.hpp"

namespace dawk::spool_rocks {

// Piece by piece into a content of `into`.
Task<Result<spool::ContentPtr>> copy_content(spool::Spool& into, MessageId id,
                                             spool::ContentPtr from);

}  // namespace dawk::spool_rocks
