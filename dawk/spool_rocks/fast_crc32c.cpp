#include "dawk/spool_rocks/fast_crc32c.hpp"

#include "dawk/base/crc32c.hpp"

namespace rocksdb::crc32c {

// As RocksDB's util/crc32c.h has it: the CRC-32C of A followed by data, where init_crc is that of
// A.
[[gnu::visibility("default")]] std::uint32_t Extend(std::uint32_t init_crc, char const* data,
                                                    std::size_t n) {
    return dawk::crc32c({data, n}, init_crc);
}

}  // namespace rocksdb::crc32c
