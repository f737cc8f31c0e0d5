// Deadlines: ends what waits too long, for all connections of one shard with one timer.
//
// A connection is put into the heap when it first waits, and stays there: moving a deadline later
// costs nothing, the heap notices when the old time comes. So a read costs no timer, and no system
// call, while deadlines are still exact.
#pragma once

#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

#include "dawk/base/time.hpp"

namespace dawk::net {

class Deadlines {
  public:
    class Entry {
      public:
        Entry() = default;
        Entry(Entry const&) = delete;
        Entry& operator=(Entry const&) = delete;
        SteadyTime deadline() const noexcept { return deadline_; }

      protected:
        ~Entry() = default;
        // The deadline passed while the entry was watched. It is not watched any more.
        virtual void on_deadline() noexcept = 0;
        SteadyTime deadline_ = SteadyTime::max();

      private:
        friend class Deadlines;
        std::size_t slot_ = SIZE_MAX;               // in the heap
        SteadyTime looked_at_ = SteadyTime::max();  // when the heap looks at this entry next
    };

    explicit Deadlines(boost::asio::io_context& io) : timer_(io) {}
    ~Deadlines();

    // Call before each wait.
    void watch(Entry& entry) {
        if (entry.deadline_ < entry.looked_at_) place(entry);
    }
    void forget(Entry& entry) noexcept;
    std::size_t size() const noexcept { return heap_.size(); }

  private:
    using Timer =
        boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                          boost::asio::wait_traits<std::chrono::steady_clock>,
                                          boost::asio::io_context::executor_type>;

    void place(Entry& entry);
    void remove(Entry& entry) noexcept;
    std::size_t rise(std::size_t slot) noexcept;
    std::size_t sink(std::size_t slot) noexcept;
    void swap_slots(std::size_t a, std::size_t b) noexcept;
    void arm();
    void look();

    Timer timer_;
    SteadyTime armed_for_ = SteadyTime::max();
    std::vector<Entry*> heap_;
};

}  // namespace dawk::net
