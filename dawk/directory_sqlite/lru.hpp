// Lru: a map of at most so many entries; the one longest unused goes first. Private to this module.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace dawk::directory_sqlite {

template <class V>
class Lru {
  public:
    explicit Lru(std::size_t size_max) : size_max_(size_max) {}

    V const* find(std::string_view key) {
        auto const at = index_.find(key);
        if (at == index_.end()) return nullptr;
        order_.splice(order_.begin(), order_, at->second);
        return &at->second->second;
    }
    void put(std::string key, V value) {
        if (size_max_ == 0) return;
        if (auto const at = index_.find(key); at != index_.end()) {
            at->second->second = std::move(value);
            order_.splice(order_.begin(), order_, at->second);
            return;
        }
        if (order_.size() >= size_max_) {
            index_.erase(order_.back().first);
            order_.pop_back();
        }
        order_.emplace_front(std::move(key), std::move(value));
        index_.emplace(order_.front().first, order_.begin());
    }
    void clear() {
        index_.clear();
        order_.clear();
    }
    std::size_t size() const noexcept { return order_.size(); }

  private:
    using Order = std::list<std::pair<std::string, V>>;
    std::size_t size_max_;
    Order order_;
    std::unordered_map<std::string_view, typename Order::iterator> index_;  // keys live in order_
};

}  // namespace dawk::directory_sqlite
