// NodeSpool: the spool of a simulated machine: a MemSpool whose commits take time, fail and run out
// of space as the simulation says, and whose power can be cut at any instant. What was under way
// then is there afterwards or not, whole batches, in order. Records are kept as octets, and read
// back from them, so that what cannot be read is found as on a real disk.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "dawk/sim/world.hpp"
#include "dawk/spool/mem_spool.hpp"

namespace dawk::sim {

struct SpoolFaults {
    Duration latency_min = std::chrono::microseconds(200);
    Duration latency_max = std::chrono::milliseconds(4);
    double failure = 0;  // of each commit
    double content = 0;  // of each piece and end of a content being written
    ErrorCode trouble;   // every commit fails so, until it is cleared
};

// What a machine holds on its disk. Copied at a power cut.
struct NodeDisk {
    std::shared_ptr<spool::MemDisk> mem = std::make_shared<spool::MemDisk>();
    std::map<MessageId, std::string> records;  // envelopes, encoded
};

class NodeSpool final : public spool::Spool {
  public:
    using OnCommit = std::function<void(spool::Batch const&)>;
    NodeSpool(World& world, SpoolFaults& faults, SeededRng& rng, std::shared_ptr<NodeDisk> disk,
              spool::MemSpoolOptions options, OnCommit on_commit);

    // Cuts the power: nothing is written or read any more. What survives, and the batches that
    // were under way and made it to the disk though nobody was told.
    struct Survivors {
        std::shared_ptr<NodeDisk> disk;
        std::vector<spool::Batch> unannounced;
    };
    Survivors power_cut();
    // Called while the next commit is under way, once.
    std::function<void()> in_next_commit;
    // Writes what survived unannounced; before anything else of the next life.
    Task<void> recover(std::vector<spool::Batch> unannounced);

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
    bool is_in_trouble() const noexcept override;

  private:
    friend class NodeContentWriter;
    Task<Result<void>> write_now(spool::Batch batch);

    World& world_;
    SpoolFaults& faults_;
    SeededRng& rng_;
    std::shared_ptr<NodeDisk> disk_;
    spool::MemSpool inner_;
    OnCommit on_commit_;
    std::map<std::uint64_t, spool::Batch> under_way_;
    std::uint64_t next_ = 0;
    bool is_powered_ = true;
};

}  // namespace dawk::sim
