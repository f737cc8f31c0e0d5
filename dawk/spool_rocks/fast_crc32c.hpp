// RocksDB's checksum by the processor's instruction. Debian builds the library without SSE 4.2, so
// that each octet of the log goes through tables: 0.4 µs a KiB, a fifth of the commit thread's time
// with large messages. The library calls Extend by name, so a program that defines it is called
// instead, as with malloc. Where that does not happen (a static library, another version) nothing
// changes but the speed: the value is the same.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rocksdb::crc32c {

std::uint32_t Extend(std::uint32_t init_crc, char const* data, std::size_t n);

}  // namespace rocksdb::crc32c
