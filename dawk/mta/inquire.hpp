// answered(): drives an inquiry of the pure modules with the resolver of this shard, and remembers
// each look-up.
//
//     auto inquiry = mailauth::check_sender(client);
//     auto const report = co_await answered(std::move(inquiry), env, deadline, look_ups);
//
// After the deadline every question is answered with a timeout, so that it ends, and with the word
// for SPF that the time is over.
#pragma once

#include <chrono>
#include <utility>

#include "dawk/dns/inquiry.hpp"
#include "dawk/mailauth/look_up.hpp"
#include "dawk/rt/env.hpp"
#include "dawk/spf/budget.hpp"

namespace dawk::mta {

template <class T>
Task<T> answered(dns::Inquiry<T> inquiry, rt::Env& env, SteadyTime deadline,
                 mailauth::LookUps& look_ups) {
    while (auto const* const question = inquiry.question()) {
        dns::Question const asked = *question;
        auto const start = env.clock.steady();
        dns::Answer answer;
        answer.status = dns::Status::timeout;
        if (start < deadline) {
            auto got = co_await env.resolver.query(asked, deadline);
            answer = std::move(got);
        }
        auto const end = env.clock.steady();
        if (end >= deadline && answer.status == dns::Status::timeout)
            answer.error_detail = spf::out_of_time;
        auto const took = std::chrono::duration_cast<std::chrono::microseconds>(end - start);
        look_ups.push_back(mailauth::look_up_of(asked, answer, took));
        inquiry.answer(std::move(answer));
    }
    co_return inquiry.take();
}

}  // namespace dawk::mta
