// Masses of waiting messages: a spool that keeps a few octets of each and makes up the rest when it
// is asked, so that a million fit in memory and what the server itself holds can be measured.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "dawk/sim/play.hpp"
#include "dawk/spool/content.hpp"

namespace dawk::sim {

// All messages of the mass go to one destination; others are kept whole, beside it.
class MassSpool final : public spool::Spool {
  public:
    MassSpool(World& world, std::string destination, std::size_t count, WallTime arrived,
              WallTime expires);

    std::unique_ptr<spool::ContentWriter> create_content(MessageId id,
                                                         std::uint64_t announced_size) override;
    Task<Result<void>> commit(spool::Batch batch) override;
    Task<Result<spool::EnvelopePtr>> load(MessageId id) override;
    Task<Result<spool::ContentPtr>> open_content(spool::EnvelopePtr envelope) override;
    Task<Result<std::vector<spool::EnvelopePtr>>> list(MessageId after, std::size_t limit) override;
    Task<Result<std::vector<spool::Due>>> due(std::string destination,
                                              std::optional<spool::Due> after,
                                              std::size_t limit) override;
    Task<Result<std::vector<spool::DestinationHead>>> destinations(std::string after,
                                                                   std::size_t limit) override;
    Task<Result<std::vector<envelope::Event>>> history(MessageId id) override;
    Task<Result<std::vector<envelope::Event>>> history_of(std::string address,
                                                          std::size_t limit) override;
    Task<Result<spool::Usage>> usage() override;
    bool is_in_trouble() const noexcept override { return false; }

    std::size_t mass_left() const noexcept { return left_; }
    std::uint64_t commits() const noexcept { return commits_; }
    std::uint64_t reads() const noexcept { return reads_; }

  private:
    struct Entry {  // of the mass
        std::int64_t due_ms = 0;
        std::uint16_t attempts = 0;
        bool is_gone = false, has_warned = false;
    };
    using Place = std::pair<std::int64_t, std::uint32_t>;  // due, index
    std::optional<std::uint32_t> index_of(MessageId id) const;
    MessageId id_of(std::uint32_t index) const;
    void schedule(spool::Due const& due, bool adds);

    World& world_;
    std::string destination_;
    WallTime arrived_, expires_;
    std::vector<Entry> mass_;
    std::set<Place> schedule_;  // of the mass
    std::size_t left_;
    spool::MemSpool others_;
    std::uint64_t commits_ = 0, reads_ = 0;
};

void million_dead(Stage& stage, PlayOptions const& options);

}  // namespace dawk::sim
