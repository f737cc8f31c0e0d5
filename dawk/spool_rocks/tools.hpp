// Tools for the bad day, and for moving house: check, repair, export and import of a spool that no
// server has open (conflict otherwise). Blocking; memory stays bounded whatever the spool holds,
// but for some octets an entry of the schedule and a file name a large content.
//
// check     reads all and changes nothing
// repair    salvages what is readable into a new spool; the old one is left as it is
// export    each message as ID.eml (the octets as received) and ID.json (its envelope)
// import    the reverse; a lone .eml gets an envelope made of its header fields
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dawk/spool_rocks/rocks_spool.hpp"

namespace dawk::spool_rocks {

// What the tools use of the world.
struct ToolWorld {
    rt::WorkPool& pool;
    rt::Clock const& clock;
    rt::Files& files;
};

struct Finding {
    std::string kind;  // "envelope", "content", "large", "due", "history", "usage", "database"
    std::string id;    // message, file or "" where none is concerned
    std::string detail;
};

// A bounded list of what was found; the rest is counted.
class Findings {
  public:
    static constexpr std::size_t max = 1000;
    void add(std::string kind, std::string id, std::string detail);
    std::vector<Finding> const& list() const noexcept { return list_; }
    std::uint64_t count() const noexcept { return count_; }

  private:
    std::vector<Finding> list_;
    std::uint64_t count_ = 0;
};

struct CheckReport {
    std::uint64_t messages = 0, content_bytes = 0, large = 0, due = 0, events = 0;
    Findings damage;  // what is lost, wrong or would make mail go astray
    Findings notes;   // what heals by itself (files nobody names, counters)
    bool is_sound() const noexcept { return damage.count() == 0; }
    std::string json() const;
    std::string text() const;
};
struct CheckOptions {
    bool contents = true;  // read them all and verify their checksums
};
rt::ExplainedResult<CheckReport> check_spool(ToolWorld world, RocksOptions const& spool,
                                             CheckOptions options = {});

struct RepairReport {
    std::uint64_t messages = 0, content_bytes = 0, events = 0;
    std::uint64_t contents_without_envelope = 0;  // written to lost/ in the new spool's folder
    Findings lost;  // messages, or parts of the database, that could not be saved
    std::string json() const;
    std::string text() const;
};
// into.folder must not be there yet.
rt::ExplainedResult<RepairReport> repair_spool(ToolWorld world, RocksOptions const& from,
                                               RocksOptions const& into);

struct MoveReport {
    std::uint64_t messages = 0, content_bytes = 0;
    std::uint64_t skipped = 0;  // there already
    Findings failed;
    std::string json() const;
    std::string text() const;
};
rt::ExplainedResult<MoveReport> export_spool(ToolWorld world, RocksOptions const& spool,
                                             std::string const& folder);

struct ImportOptions {
    // For .eml files without .json. The destination's key of an address, as routing has it.
    std::function<std::string(mail::Address const&)> destination_of;
    std::chrono::hours lifetime{24 * 5};
    std::function<std::uint64_t()> random;  // for the ids of such messages
};
rt::ExplainedResult<MoveReport> import_spool(ToolWorld world, RocksOptions const& spool,
                                             std::string const& folder, ImportOptions options);

}  // namespace dawk::spool_rocks
