#include "dawk/mta/deliverer.hpp"

#include "dawk/mta/smtp_carrier.hpp"

namespace dawk::mta {

RouteDeliverer::RouteDeliverer(rt::Env& env) : env_(env), turns_(env.executor) {}

Task<void> RouteDeliverer::carry(std::shared_ptr<JobFeed> feed) {
    if (feed->route().kind == routing::Route::Kind::maildir) {
        MaildirCarrier carrier(env_, turns_, std::move(feed));
        co_await carrier.run();
        co_return;
    }
    SmtpCarrier carrier(env_, memory_, std::move(feed));
    co_await carrier.run();
}

}  // namespace dawk::mta
