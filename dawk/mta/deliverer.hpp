// RouteDeliverer: the Deliverer of production and simulation: SMTP, LMTP or Maildir, as the route
// says. One for each shard that delivers; it outlives its carriers.
#pragma once

#include "dawk/mta/delivery.hpp"
#include "dawk/mta/host_walk.hpp"
#include "dawk/mta/maildir_carrier.hpp"

namespace dawk::mta {

class RouteDeliverer final : public Deliverer {
  public:
    explicit RouteDeliverer(rt::Env& env);
    Task<void> carry(std::shared_ptr<JobFeed> feed) override;

  private:
    rt::Env& env_;
    HostMemory memory_;
    MaildirTurns turns_;
};

}  // namespace dawk::mta
