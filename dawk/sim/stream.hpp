// SimStream: one end of a simulated connection.
#pragma once

#include "dawk/rt/stream.hpp"
#include "dawk/sim/network.hpp"

namespace dawk::sim {

class SimStream final : public rt::Stream {
  public:
    SimStream(Internet& internet, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out,
              rt::Endpoint local, rt::Endpoint remote);
    ~SimStream() override { close(); }

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override;
    Task<Result<void>> write_all(std::string_view bytes) override;
    Task<Result<void>> write_all(std::span<std::string_view const> pieces) override;
    void expires_at(SteadyTime deadline) override;
    bool has_input() noexcept override { return !closed_ && !in_->buffer.empty(); }
    Task<void> shutdown() override;
    void close() noexcept override;
    rt::Endpoint local() const override { return local_; }
    rt::Endpoint remote() const override { return remote_; }

  private:
    void send(std::string octets);
    SteadyTime arrival();

    Internet& internet_;
    World& world_;
    std::shared_ptr<Pipe> in_, out_;
    rt::Endpoint local_, remote_;
    SteadyTime deadline_ = SteadyTime::max();
    bool closed_ = false;
};

}  // namespace dawk::sim
