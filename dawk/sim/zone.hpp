// Zone: the whole DNS of a simulation. ZoneResolver answers from it after a delay.
#pragma once

#include <map>
#include <string>

#include "dawk/rt/resolver.hpp"
#include "dawk/sim/world.hpp"

namespace dawk::sim {

class Zone {
  public:
    void add_address(std::string const& name, std::string const& address);  // A or AAAA by its form
    void add_mx(std::string const& name, std::uint16_t preference, std::string const& exchange);
    void add_txt(std::string const& name, std::string const& text);
    void add_cname(std::string const& name, std::string const& target);
    void add(std::string const& name, dns::Type type, dns::Answer answer);
    // Every query for the name fails so, until cleared with Status::ok.
    void fail(std::string const& name, dns::Status status);
    bool fails(std::string const& name) const { return failures_.contains(name); }
    void clear(std::string const& name);
    void clear_txt(std::string const& name) { records_.erase({name, dns::Type::txt}); }

    dns::Answer answer(dns::Question question) const;
    std::uint64_t queries = 0;

  private:
    std::map<dns::Question, dns::Answer> records_;
    std::map<std::string, dns::Status> failures_;
};

class ZoneResolver final : public rt::Resolver {
  public:
    ZoneResolver(World& world, Zone& zone) : world_(world), zone_(zone) {}
    Task<dns::Answer> query(dns::Question question, SteadyTime deadline) override;

  private:
    World& world_;
    Zone& zone_;
};

}  // namespace dawk::sim
