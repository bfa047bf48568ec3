// A fork that serves cells at its terminal: COM1, the guest's 8250 driver and its tty, one VM exit per byte.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include "fork/conversation.h"

namespace zb::bench {

class TerminalGuest {
 public:
  // Throws when the guest does not begin to serve.
  explicit TerminalGuest(std::shared_ptr<const Template> source);

  // Types one line of code and returns the first line it prints. Throws when none comes.
  std::string Run(const std::string& code);

 private:
  // What the guest prints, by lines; filled on its vCPU thread.
  class Screen {
   public:
    void Add(uint8_t byte);
    std::string NextLine();

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string line_;
    std::deque<std::string> lines_;
  };

  Screen screen_;  // before the fork that prints on it
  Conversation fork_;
};

}  // namespace zb::bench
