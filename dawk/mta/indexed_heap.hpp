// IndexedHeap: a binary heap of objects that know their place in it, so that one can be moved or
// taken out in O(log n). It owns nothing and costs one pointer an object.
//
//     struct Slot { WallTime wake; std::uint32_t heap_index = not_in_heap; };
//     IndexedHeap<Slot, &Slot::wake, &Slot::heap_index> heap;
#pragma once

#include <cstdint>
#include <vector>

namespace dawk::mta {

inline constexpr std::uint32_t not_in_heap = UINT32_MAX;

template <class T, auto Key, std::uint32_t T::*Index>
class IndexedHeap {
  public:
    bool empty() const noexcept { return items_.empty(); }
    std::size_t size() const noexcept { return items_.size(); }
    T& top() const noexcept { return *items_.front(); }
    // Adds it, or moves it to where its key belongs now.
    void put(T& item) {
        if (item.*Index == not_in_heap) {
            item.*Index = static_cast<std::uint32_t>(items_.size());
            items_.push_back(&item);
        }
        sift_up(item.*Index);
        sift_down(item.*Index);
    }
    void remove(T& item) {
        auto const at = item.*Index;
        if (at == not_in_heap) return;
        item.*Index = not_in_heap;
        auto* const last = items_.back();
        items_.pop_back();
        if (last == &item) return;
        place(last, at);
        sift_up(at);
        sift_down(last->*Index);
    }

  private:
    void place(T* item, std::uint32_t at) {
        items_[at] = item;
        item->*Index = at;
    }
    void sift_up(std::uint32_t at) {
        auto* const item = items_[at];
        while (at > 0 && item->*Key < items_[(at - 1) / 2]->*Key) {
            place(items_[(at - 1) / 2], at);
            at = (at - 1) / 2;
        }
        place(item, at);
    }
    void sift_down(std::uint32_t at) {
        auto* const item = items_[at];
        auto const count = static_cast<std::uint32_t>(items_.size());
        while (true) {
            auto child = 2 * at + 1;
            if (child >= count) break;
            if (child + 1 < count && items_[child + 1]->*Key < items_[child]->*Key) ++child;
            if (!(items_[child]->*Key < item->*Key)) break;
            place(items_[child], at);
            at = child;
        }
        place(item, at);
    }

    std::vector<T*> items_;
};

}  // namespace dawk::mta
