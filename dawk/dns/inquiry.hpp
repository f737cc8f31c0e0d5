// Inquiry<T>: a pure computation that asks DNS questions on its way to a T. It never asks anybody
// itself: whoever drives it answers, now or later, from a resolver, a file or a test.
//
//     Inquiry<bool> has_mx(std::string domain) {
//         auto answer = co_await ask(Question{...});            // inside an inquiry
//         co_return answer.status == Status::ok;
//     }
//     auto inquiry = has_mx("example.org");                      // the driver's side
//     while (auto const* question = inquiry.question()) inquiry.answer(look_up(*question));
//     bool verdict = inquiry.take();
//
// Inquiries await inquiries. Destroying an unfinished one gives it up and everything below it. One
// thread; no clock: a budget of time is the driver's, who answers Status::timeout once it is spent.
// The rules of co_await in dawk/rt/task.hpp hold here too (g++ 12.2).
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "dawk/base/check.hpp"
#include "dawk/dns/dns.hpp"

namespace dawk::dns {

namespace detail {

// What an inquiry and all that it awaits share with the driver.
struct Exchange {
    std::optional<Question> pending;
    Answer answer;
    std::coroutine_handle<> asker;
};

struct InquiryPromiseBase {
    Exchange* exchange = nullptr;
    std::coroutine_handle<> continuation;

    struct Finish {
        bool await_ready() noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
            auto const next = self.promise().continuation;
            return next ? next : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };
    std::suspend_always initial_suspend() noexcept { return {}; }
    Finish final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { std::terminate(); }  // pure code does not throw
};

}  // namespace detail

// The awaitable by which an inquiry asks.
class ask {
  public:
    explicit ask(Question question) : question_(std::move(question)) {}
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> self) {
        exchange_ = self.promise().exchange;
        exchange_->pending = std::move(question_);
        exchange_->asker = self;
    }
    Answer await_resume() { return std::move(exchange_->answer); }

  private:
    Question question_;
    detail::Exchange* exchange_ = nullptr;
};

template <class T>
class [[nodiscard]] Inquiry {
  public:
    struct promise_type : detail::InquiryPromiseBase {
        std::optional<T> value;
        Inquiry get_return_object() {
            return Inquiry(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        template <class V>
        void return_value(V&& v) {
            value.emplace(std::forward<V>(v));
        }
    };

    Inquiry(Inquiry&& other) noexcept
        : handle_(std::exchange(other.handle_, {})), root_(std::move(other.root_)) {}
    Inquiry& operator=(Inquiry&&) = delete;
    ~Inquiry() {
        if (handle_) handle_.destroy();
    }

    // Runs until an answer is needed: the question, until answered; or null when the value is
    // there.
    Question const* question() {
        if (!root_) {
            root_ = std::make_unique<detail::Exchange>();
            handle_.promise().exchange = root_.get();
            handle_.resume();
        }
        return root_->pending ? &*root_->pending : nullptr;
    }
    void answer(Answer answer) {
        DAWK_CHECK(root_ && root_->pending);
        root_->pending.reset();
        root_->answer = std::move(answer);
        auto const asker = std::exchange(root_->asker, {});
        asker.resume();
    }
    T take() {
        DAWK_CHECK(handle_.promise().value.has_value());
        return std::move(*handle_.promise().value);
    }

    // Awaited by another inquiry.
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) noexcept {
        handle_.promise().exchange = parent.promise().exchange;
        handle_.promise().continuation = parent;
        return handle_;
    }
    T await_resume() { return std::move(*handle_.promise().value); }

  private:
    explicit Inquiry(std::coroutine_handle<promise_type> handle) : handle_(handle) {}

    std::coroutine_handle<promise_type> handle_;
    std::unique_ptr<detail::Exchange>
        root_;  // of the driven one; pinned while inquiries below hold it
};

// Drives an inquiry with a function from Question to Answer that blocks.
template <class T, class LookUp>
T run(Inquiry<T> inquiry, LookUp&& look_up) {
    while (auto const* question = inquiry.question()) {
        Question const asked = *question;
        inquiry.answer(look_up(asked));
    }
    return inquiry.take();
}

}  // namespace dawk::dns
