// The deleter of what a C library made and takes back:
//
//     using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;
#pragma once

namespace dawk {

template <auto give_back>
struct Freed {
    template <class T>
    void operator()(T* p) const noexcept {
        give_back(p);
    }
};

}  // namespace dawk
