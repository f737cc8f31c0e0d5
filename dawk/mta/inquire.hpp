// answered(): drives an inquiry of the pure modules with the resolver of this shard, and remembers
// each look-up.
//
//     auto inquiry = mailauth::check_sender(client);
//     auto const report = co_await answered(std::move(inquiry), env, deadline, look_ups);
//
// After the deadline every question is answered with a timeout, so that it ends.
#pragma once

#include <chrono>
#include <utility>

#include "dawk/dns/inquiry.hpp"
#include "dawk/mailauth/look_up.hpp"
#include "dawk/rt/env.hpp"

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
        auto const took =
            std::chrono::duration_cast<std::chrono::microseconds>(env.clock.steady() - start);
        look_ups.push_back(mailauth::look_up_of(asked, answer, took));
        inquiry.answer(std::move(answer));
    }
    co_return inquiry.take();
}

}  // namespace dawk::mta
