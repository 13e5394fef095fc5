export async function show(parent: HTMLElement) {
  const answer = await fetch("/api/messages");
  parent.append(await answer.text());
}
