// What is read from an engine: blocking functions, run on the work pool or, where said, answered
// from memory on the caller's thread.
#pragma once

#include "dawk/spool_rocks/large_files.hpp"

namespace dawk::spool_rocks {

// From memory only: nothing when a disk would have to be asked.
enum class Tier { memory, disk };

std::optional<Result<spool::EnvelopePtr>> read_envelope(Engine const& engine, MessageId id,
                                                        Tier tier);
std::optional<Result<spool::ContentPtr>> read_content(Engine const& engine,
                                                      std::shared_ptr<LargeFiles> const& files,
                                                      envelope::Envelope const& envelope,
                                                      Tier tier);
// See Spool::load_many().
std::vector<spool::Spool::Loaded> read_many(Engine const& engine,
                                            std::shared_ptr<LargeFiles> const& files,
                                            std::vector<MessageId> const& ids,
                                            std::uint64_t content_bytes_max);
using Report = std::function<void(std::string_view)>;
Result<std::vector<spool::EnvelopePtr>> read_list(Engine const& engine, MessageId after,
                                                  std::size_t limit, Report const& report);
Result<std::vector<spool::Due>> read_due(Engine const& engine, std::string const& destination,
                                         std::optional<spool::Due> const& after, std::size_t limit);
Result<std::vector<spool::DestinationHead>> read_destinations(Engine const& engine,
                                                              std::string const& after,
                                                              std::size_t limit);
Result<std::vector<envelope::Event>> read_history(Engine const& engine, MessageId id);
Result<std::vector<envelope::Event>> read_history_of(Engine const& engine,
                                                     std::string const& address, std::size_t limit);

}  // namespace dawk::spool_rocks
