import assert from "node:assert/strict";
import { test } from "node:test";
import { bar, createScreen } from "./screen.ts";

function shown(isTerminal: boolean, tell: (screen: ReturnType<typeof createScreen>) => void): string {
  let text = "";
  tell(
    createScreen({
      write: (more) => {
        text += more;
      },
      isTerminal,
      colours: isTerminal,
    }),
  );
  return text;
}

test("in a pipe there are plain lines: no colours, no moving, nothing twice", () => {
  const text = shown(false, (screen) => {
    screen.act("The fleet");
    screen.progress("1 of 2");
    screen.progress("1 of 2");
    screen.progress("2 of 2");
    screen.quote(["\u001b[31mred\u001b[39m"]);
    screen.say("done", "good");
  });
  assert.equal(text, "\n  1  The fleet\n     1 of 2\n     2 of 2\n     │ red\n     done\n");
});

test("on a terminal progress moves in place, and its last line stays", () => {
  const text = shown(true, (screen) => {
    screen.progress("1 of 2");
    screen.progress("2 of 2");
    screen.say("done");
  });
  assert.equal(text, "\r\u001b[2K     1 of 2\r\u001b[2K     2 of 2\n     done\n");
});

test("a bar is full when all is done, and empty when there is nothing to do", () => {
  assert.deepEqual([bar(0, 4, 4), bar(1, 4, 4), bar(4, 4, 4), bar(0, 0, 4)], ["░░░░", "█░░░", "████", "░░░░"]);
});
