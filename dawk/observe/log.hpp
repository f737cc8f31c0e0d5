// Log: lines to a file or standard output, written in batches by a thread of its own.
//
// A shard only appends to a buffer; the thread writes what has gathered some twenty times a second,
// or earlier when it is much. So a line costs no system call on the way of a message, and a crash
// can lose the last lines: the record that must not be lost is the spool's history, not this. When
// the disk takes no more, lines beyond the buffer's bound are dropped, counted, and the number is
// said in the log as soon as it can be. (spdlog's asynchronous logger wakes its thread for every
// line; at ten thousand messages a second that costs more than the lines.)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dawk/base/result.hpp"

namespace dawk::observe {

class Log {
  public:
    // file: "" or "-" for standard output. Errors: the file cannot be opened for appending.
    static Result<std::unique_ptr<Log>> open(std::string const& file,
                                             std::size_t buffer_max = 8U << 20U);
    ~Log();  // writes what is left
    Log(Log const&) = delete;
    Log& operator=(Log const&) = delete;

    // One or more whole lines. Any thread; never blocks on the disk.
    void append(std::string_view lines);
    // Everything appended so far is handed to the operating system when it returns.
    void flush();
    // Opens the file anew (after rotation). The old one stays in use when that fails.
    Result<void> reopen();
    std::uint64_t dropped() const noexcept;

  private:
    struct Impl;
    explicit Log(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace dawk::observe
