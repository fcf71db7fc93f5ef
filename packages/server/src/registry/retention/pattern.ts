/** Whether `text` fits a pattern in which `*` stands for anything and `?` for one character. Takes at most text × pattern steps. */
export function fits(pattern: string, text: string): boolean {
  let [at, place] = [0, 0];
  let [star, resume] = [-1, 0];
  while (at < text.length) {
    if (pattern[place] === "*") {
      star = place++;
      resume = at;
    } else if (pattern[place] === "?" || pattern[place] === text[at]) {
      at++;
      place++;
    } else if (star >= 0) {
      place = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[place] === "*") place++;
  return place === pattern.length;
}
