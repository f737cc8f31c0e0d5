// Gatherer: collects a message of any size: in memory while it is small, then in a file without a
// name.
//
//     Gatherer gatherer;
//     gatherer.add(octets);
//     auto content = gatherer.finish();
//
// LineEnds makes all line ends CRLF on the way, for messages from files. Standards: RFC 5321
// §2.3.8.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "dawk/spool/spool.hpp"

namespace dawk::cmd {

class Gatherer {
  public:
    Gatherer();
    ~Gatherer();
    void add(std::string_view octets);
    spool::ContentPtr finish();
    std::uint64_t size() const noexcept { return size_; }

  private:
    void begin_file();
    void write(std::string_view octets);
    class File;
    std::string memory_;
    std::shared_ptr<File> file_;
    std::uint64_t size_ = 0;
};

class LineEnds {
  public:
    // Appends octets to out with LF and CRLF as CRLF. False: there is a CR alone.
    bool convert(std::string_view octets, std::string& out);
    bool finish(std::string& out);  // ends the last line

  private:
    char last_ = '\n';
};

}  // namespace dawk::cmd
